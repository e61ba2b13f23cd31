//! A real browser for tests of pages: headless Chromium, spoken to by the DevTools protocol through two named pipes, as
//! `--remote-debugging-pipe` has it: messages in JSON, each ended by a zero byte.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Names that Chromium goes by.
const PROGRAMS: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];
/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(120);

/// A browser with one page.
#[derive(Debug)]
pub struct Browser {
    process: Child,
    requests: File,
    answers: Receiver<Value>,
    sent: u64,
    session: Option<String>,
    events: Vec<Value>,
    /// Its profile and the pipes.
    _folder: tempfile::TempDir,
}

impl Browser {
    /// Starts one; says why and gives none if there is no Chromium here.
    pub fn start() -> Option<Self> {
        let program = PROGRAMS.into_iter().find(|program| {
            let mut version = Command::new(program);
            version
                .arg("--version")
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            version.status().is_ok_and(|status| status.success())
        });
        let Some(program) = program else {
            eprintln!("skipped: there is no Chromium here (Debian's package `chromium`)");
            return None;
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let pipe = |name: &str| {
            let path = folder.path().join(name);
            let made = Command::new("mkfifo")
                .arg(&path)
                .status()
                .expect("mkfifo starts");
            assert!(made.success());
            path
        };
        let (to, from) = (pipe("requests"), pipe("answers"));
        // The shell gives the pipes the numbers that Chromium expects.
        let process = Command::new("sh")
            .args(["-c", r#"exec 3<"$0" 4>"$1"; shift; exec "$@""#])
            .args([&to, &from])
            .args([
                program,
                "--headless=new",
                "--no-sandbox",
                "--remote-debugging-pipe",
            ])
            .args([
                "--disable-background-networking",
                "--host-resolver-rules=MAP * ~NOTFOUND",
            ])
            // Space is drawn without a graphics card.
            .args(["--use-angle=swiftshader", "--enable-unsafe-swiftshader"])
            .arg(format!(
                "--user-data-dir={}",
                folder.path().join("profile").display()
            ))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh starts");
        let requests = File::options().write(true).open(to).expect("a pipe");
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            let pipe = BufReader::new(File::open(from).expect("a pipe"));
            for message in pipe.split(0).map_while(Result::ok) {
                let message = serde_json::from_slice(&message).expect("JSON");
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let mut browser = Self {
            process,
            requests,
            answers,
            sent: 0,
            session: None,
            events: Vec::new(),
            _folder: folder,
        };
        let targets = browser.call("Target.getTargets", json!({}));
        let targets = targets["targetInfos"].as_array().expect("a list");
        let page = targets
            .iter()
            .find(|target| target["type"] == "page")
            .expect("a page");
        let attach = json!({"targetId": page["targetId"], "flatten": true});
        let session = browser.call("Target.attachToTarget", attach)["sessionId"].clone();
        browser.session = Some(session.as_str().expect("a text").to_owned());
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// Sends a command and waits for what it gives.
    pub fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.sent += 1;
        let mut message = json!({"id": self.sent, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.requests
            .write_all(format!("{message}\0").as_bytes())
            .expect("Chromium runs");
        loop {
            let message = self
                .answers
                .recv_timeout(PATIENCE)
                .expect("Chromium answers");
            if message["id"] != json!(self.sent) {
                self.events.push(message);
                continue;
            }
            assert!(message.get("error").is_none(), "{method}: {message}");
            return message["result"].clone();
        }
    }

    /// The value of an expression on the page; a promise is waited for.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let parameters =
            json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let result = self.call("Runtime.evaluate", parameters);
        assert!(
            result.get("exceptionDetails").is_none(),
            "{expression}: {result}"
        );
        result["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub fn wait_for(&mut self, expression: &str) {
        let start = Instant::now();
        while self.evaluate(expression) != json!(true) {
            assert!(start.elapsed() < PATIENCE, "never true: {expression}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Opens a file, the window being of this size, px.
    pub fn open(&mut self, file: &Path, (width, height): (u32, u32)) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500});
        self.call("Emulation.setDeviceMetricsOverride", size);
        self.events.clear();
        let url = format!("file://{}", file.display());
        self.call("Page.navigate", json!({"url": url}));
        let loaded = json!(url).to_string();
        self.wait_for(&format!(
            "document.readyState === 'complete' && location.href.startsWith({loaded})"
        ));
    }

    /// Presses and releases a key: `Tab`, `Enter`, or a blank.
    pub fn press(&mut self, key: &str) {
        let (code, text) = match key {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            " " => (32, " "),
            other => panic!("the number of {other} is not known here"),
        };
        for event in ["keyDown", "keyUp"] {
            let text = if event == "keyDown" { text } else { "" };
            let event =
                json!({"type": event, "key": key, "text": text, "windowsVirtualKeyCode": code});
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// Lets the page believe that the reader likes it dark, or not.
    pub fn prefer(&mut self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.call("Emulation.setEmulatedMedia", json!({"features": features}));
    }

    /// What went wrong since the page was opened: messages of the console that are no mere hints, violations of the policy,
    /// exceptions, and requests for anything but the page itself and data inside of it.
    pub fn complaints(&mut self) -> Vec<String> {
        self.evaluate("1"); // What happened before has been told when the answer is here.
        let mut requests = 0;
        let mut complaints = Vec::new();
        for event in &self.events {
            let parameters = &event["params"];
            match event["method"].as_str().unwrap_or_default() {
                "Network.requestWillBeSent" => {
                    let url = parameters["request"]["url"].as_str().unwrap_or_default();
                    let inside = ["data:", "blob:"]
                        .iter()
                        .any(|scheme| url.starts_with(scheme));
                    requests += usize::from(!inside);
                    if !inside && (requests > 1 || !url.starts_with("file:")) {
                        complaints.push(format!("request for {url}"));
                    }
                }
                "Log.entryAdded" if parameters["entry"]["level"] == "error" => {
                    complaints.push(parameters.to_string())
                }
                "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" => {
                    complaints.push(parameters.to_string())
                }
                _ => {}
            }
        }
        complaints
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_are_heard() {
        let Some(mut browser) = Browser::start() else {
            return;
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let page = folder.path().join("page.html");
        let mut complaints_of = |body: &str| {
            let policy = r#"<meta http-equiv="Content-Security-Policy" content="script-src 'unsafe-inline'; img-src data:">"#;
            std::fs::write(&page, format!("<!DOCTYPE html>{policy}{body}")).expect("written");
            browser.open(&page, (800, 600));
            browser.complaints()
        };
        assert_eq!(complaints_of("<p>Nothing"), [""; 0]);
        for (body, word) in [
            ("<script>console.error('wrong')</script>", "wrong"),
            ("<script>nothing.at.all</script>", "ReferenceError"),
            (
                "<img src=https://example.org/a.png>",
                "Content Security Policy",
            ),
            (
                "<link rel=stylesheet href=https://example.org/a.css>",
                "https://example.org/a.css",
            ),
        ] {
            let complaints = complaints_of(body).join("\n");
            assert!(complaints.contains(word), "{body}: {complaints}");
        }
    }
}
