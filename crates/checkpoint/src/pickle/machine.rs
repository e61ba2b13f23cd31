//! The stack machine of pickles, protocols 0 to 5.
//!
//! The opcodes are those of Python's `pickletools`. All that is stored is charged to a budget of memory, so that no short pickle
//! describes a large structure.

use std::collections::HashMap;

use super::{Global, Node, Object, Pickle, PickleBytes, Value};
use crate::error::shown;
use crate::{CheckpointError, limits};

/// Bytes of memory for one value in a list, one pair in a dictionary, one entry of the memo, one node: with room for growth.
const VALUE: usize = 32;
const PAIR: usize = 64;
const MEMO: usize = 64;
const NODE: usize = 96;
const OBJECT: usize = NODE + 160;

/// Reads one pickle.
///
/// # Errors
/// Damage, more memory than [`limits::PICKLE_MEMORY`], opcodes that need something outside of the pickle.
pub(crate) fn read(bytes: &mut PickleBytes<'_>) -> Result<Pickle, CheckpointError> {
    bytes.begin();
    let mut machine = Machine {
        bytes,
        nodes: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        memory: limits::PICKLE_MEMORY,
    };
    while machine.step()? {}
    let root = machine.pop()?;
    Ok(Pickle {
        nodes: machine.nodes,
        root,
    })
}

type Outcome<T = ()> = Result<T, CheckpointError>;

struct Machine<'a, 'b> {
    bytes: &'a mut PickleBytes<'b>,
    nodes: Vec<Node>,
    stack: Vec<Value>,
    /// Heights of the stack at the marks.
    marks: Vec<usize>,
    memo: HashMap<u32, Value>,
    /// Bytes of memory that are left.
    memory: usize,
}

impl Machine<'_, '_> {
    /// Executes one opcode; `false` is the end.
    fn step(&mut self) -> Outcome<bool> {
        match self.bytes.u8()? {
            b'.' => return Ok(false),
            0x80 => self.protocol()?,
            0x95 => drop(self.bytes.u64()?),
            b'(' => {
                self.charge(VALUE)?;
                self.marks.push(self.stack.len());
            }
            b'0' => self.pop_any()?,
            b'1' => drop(self.pop_to_mark()?),
            b'2' => {
                let top = self.top()?;
                self.push(top)?;
            }
            b'N' => self.push(Value::None)?,
            0x88 => self.push(Value::Bool(true))?,
            0x89 => self.push(Value::Bool(false))?,
            opcode => self.step_number(opcode)?,
        }
        Ok(true)
    }

    fn step_number(&mut self, opcode: u8) -> Outcome {
        let value = match opcode {
            b'J' => i64::from(self.bytes.u32()?.cast_signed()),
            b'K' => i64::from(self.bytes.u8()?),
            b'M' => i64::from(self.bytes.u16()?),
            b'I' => return self.decimal_or_bool(),
            b'L' => return self.decimal(),
            0x8a => {
                let len = u64::from(self.bytes.u8()?);
                return self.long(len);
            }
            0x8b => {
                let len = u64::from(self.bytes.u32()?);
                return self.long(len);
            }
            b'G' => {
                let value = f64::from_be_bytes(self.bytes.array()?);
                return self.push(Value::Float(value));
            }
            b'F' => {
                let line = self.bytes.line()?;
                let value = line.parse();
                let value =
                    value.map_err(|_| self.wrong(format!("`{}` is no number", shown(&line))))?;
                return self.push(Value::Float(value));
            }
            opcode => return self.step_text(opcode),
        };
        self.push(Value::Int(value))
    }

    fn step_text(&mut self, opcode: u8) -> Outcome {
        match opcode {
            b'S' => {
                let line = self.bytes.line()?;
                let quoted = line.trim_matches(['\'', '"']).to_owned();
                self.push_text(quoted.into_bytes())
            }
            b'V' => {
                let line = self.bytes.line()?;
                self.push_text(line.into_bytes())
            }
            b'T' => {
                let len = self.bytes.u32()?;
                self.counted_text(len.into())
            }
            b'U' | 0x8c => {
                let len = self.bytes.u8()?;
                self.counted_text(len.into())
            }
            b'X' => {
                let len = self.bytes.u32()?;
                self.counted_text(len.into())
            }
            0x8d => {
                let len = self.bytes.u64()?;
                self.counted_text(len)
            }
            b'C' => {
                let len = self.bytes.u8()?;
                self.counted_bytes(len.into())
            }
            b'B' => {
                let len = self.bytes.u32()?;
                self.counted_bytes(len.into())
            }
            0x8e | 0x96 => {
                let len = self.bytes.u64()?;
                self.counted_bytes(len)
            }
            opcode => self.step_container(opcode),
        }
    }

    fn step_container(&mut self, opcode: u8) -> Outcome {
        match opcode {
            b']' => self.push_node(Node::List(Vec::new())),
            b')' => self.push_node(Node::Tuple(Vec::new())),
            b'}' => self.push_node(Node::Dict(Vec::new())),
            0x8f => self.push_node(Node::Set(Vec::new())),
            b'l' => {
                let values = self.pop_to_mark()?;
                self.push_node(Node::List(values))
            }
            b't' => {
                let values = self.pop_to_mark()?;
                self.push_node(Node::Tuple(values))
            }
            0x91 => {
                let values = self.pop_to_mark()?;
                self.push_node(Node::Set(values))
            }
            b'd' => {
                let values = self.pop_to_mark()?;
                let pairs = self.pairs(&values)?;
                self.push_node(Node::Dict(pairs))
            }
            0x85..=0x87 => self.short_tuple(usize::from(opcode - 0x84)),
            b'a' => {
                let value = self.pop()?;
                self.append(&[value])
            }
            b'e' | 0x90 => {
                let values = self.pop_to_mark()?;
                self.append(&values)
            }
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.set_items(&[key, value])
            }
            b'u' => {
                let values = self.pop_to_mark()?;
                self.set_items(&values)
            }
            opcode => self.step_memo(opcode),
        }
    }

    fn step_memo(&mut self, opcode: u8) -> Outcome {
        match opcode {
            b'p' => {
                let index = self.line_index()?;
                self.put(index)
            }
            b'q' => {
                let index = self.bytes.u8()?;
                self.put(index.into())
            }
            b'r' => {
                let index = self.bytes.u32()?;
                self.put(index)
            }
            0x94 => {
                let next = u32::try_from(self.memo.len());
                let next = next.map_err(|_| self.wrong("too large a memo"))?;
                self.put(next)
            }
            b'g' => {
                let index = self.line_index()?;
                self.get(index)
            }
            b'h' => {
                let index = self.bytes.u8()?;
                self.get(index.into())
            }
            b'j' => {
                let index = self.bytes.u32()?;
                self.get(index)
            }
            opcode => self.step_object(opcode),
        }
    }

    fn step_object(&mut self, opcode: u8) -> Outcome {
        match opcode {
            b'c' => {
                let global = self.global_lines()?;
                self.push_node(global)
            }
            0x93 => self.stack_global(),
            b'R' | 0x81 => {
                let arguments = self.pop()?;
                let class = self.pop()?;
                self.object(class, arguments)
            }
            0x92 => {
                self.pop()?;
                let arguments = self.pop()?;
                let class = self.pop()?;
                self.object(class, arguments)
            }
            b'i' => {
                let global = self.global_lines()?;
                let values = self.pop_to_mark()?;
                self.called(global, values)
            }
            b'o' => {
                let mut values = self.pop_to_mark()?;
                if values.is_empty() {
                    return Err(self.wrong("an object without class"));
                }
                let class = values.remove(0);
                let arguments = self.add(Node::Tuple(values))?;
                self.object(class, arguments)
            }
            b'b' => self.build(),
            b'Q' => {
                let identity = self.pop()?;
                self.push_node(Node::Persistent(identity))
            }
            b'P' => {
                let line = self.bytes.line()?;
                let identity = self.text(line.into_bytes())?;
                self.push_node(Node::Persistent(identity))
            }
            0x82..=0x84 => Err(self.bytes.unsupported(
                "it names classes by numbers that only the program that wrote it knows",
            )),
            0x97 | 0x98 => Err(self
                .bytes
                .unsupported("it refers to buffers outside of the file")),
            opcode => Err(self.wrong(format!("{opcode:#04x} is no opcode of pickle"))),
        }
    }

    fn protocol(&mut self) -> Outcome {
        match self.bytes.u8()? {
            0..=5 => Ok(()),
            version => Err(self
                .bytes
                .unsupported(format!("protocol {version} of pickle is not known"))),
        }
    }

    fn wrong(&self, reason: impl Into<String>) -> CheckpointError {
        self.bytes.damaged(reason)
    }

    fn charge(&mut self, memory: usize) -> Outcome {
        let left = self.memory.checked_sub(memory);
        self.memory = left.ok_or_else(|| {
            let limit = format!("{} MiB of memory", limits::PICKLE_MEMORY >> 20);
            self.bytes.too_large("it describes more", limit)
        })?;
        Ok(())
    }

    fn push(&mut self, value: Value) -> Outcome {
        self.charge(VALUE)?;
        self.stack.push(value);
        Ok(())
    }

    fn add(&mut self, node: Node) -> Outcome<Value> {
        self.charge(NODE)?;
        let index = u32::try_from(self.nodes.len());
        let index = index.map_err(|_| self.wrong("too many values"))?;
        self.nodes.push(node);
        Ok(Value::Node(index))
    }

    fn push_node(&mut self, node: Node) -> Outcome {
        let value = self.add(node)?;
        self.push(value)
    }

    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self) -> Outcome<Value> {
        if self.stack.len() <= self.floor() {
            return Err(self.wrong("a value is wanted, there is none"));
        }
        self.memory += VALUE;
        self.stack
            .pop()
            .ok_or_else(|| self.wrong("a value is wanted, there is none"))
    }

    /// Removes a value, or a mark if it is on top.
    fn pop_any(&mut self) -> Outcome {
        if !self.marks.is_empty() && self.stack.len() == self.floor() {
            self.marks.pop();
            self.memory += VALUE;
            return Ok(());
        }
        self.pop().map(drop)
    }

    fn top(&self) -> Outcome<Value> {
        let above = self.stack.get(self.floor()..).and_then(<[_]>::last);
        above
            .copied()
            .ok_or_else(|| self.wrong("a value is wanted, there is none"))
    }

    /// The values above the last mark, and removes both. Their memory stays charged: they go into what is made of them.
    fn pop_to_mark(&mut self) -> Outcome<Vec<Value>> {
        let mark = self.marks.pop();
        let mark = mark.ok_or_else(|| self.wrong("a mark is wanted, there is none"))?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn short_tuple(&mut self, len: usize) -> Outcome {
        let start = self.stack.len().checked_sub(len);
        let start = start.filter(|&start| start >= self.floor());
        let start = start.ok_or_else(|| self.wrong("a tuple of more values than there are"))?;
        let values = self.stack.split_off(start);
        self.push_node(Node::Tuple(values))
    }

    fn text(&mut self, bytes: Vec<u8>) -> Outcome<Value> {
        let node = match String::from_utf8(bytes) {
            Ok(text) => {
                self.charge(text.len())?;
                Node::Text(text.into_boxed_str())
            }
            Err(_) => Node::Bytes,
        };
        self.add(node)
    }

    fn push_text(&mut self, bytes: Vec<u8>) -> Outcome {
        let text = self.text(bytes)?;
        self.push(text)
    }

    fn counted_text(&mut self, len: u64) -> Outcome {
        let bytes = self.bytes.take(len)?;
        self.push_text(bytes)
    }

    fn counted_bytes(&mut self, len: u64) -> Outcome {
        self.bytes.take(len)?;
        self.push_node(Node::Bytes)
    }

    /// An integer of `len` bytes in two's complement.
    fn long(&mut self, len: u64) -> Outcome {
        let bytes = self.bytes.take(len)?;
        if bytes.len() > 8 {
            return self.push_node(Node::Integer);
        }
        let fill = match bytes.last() {
            Some(128..) => 255,
            _ => 0,
        };
        let mut array = [fill; 8];
        array[..bytes.len()].copy_from_slice(&bytes);
        self.push(Value::Int(i64::from_le_bytes(array)))
    }

    fn decimal_or_bool(&mut self) -> Outcome {
        let line = self.bytes.line()?;
        let value = match line.as_str() {
            "00" => Value::Bool(false),
            "01" => Value::Bool(true),
            digits => Value::Int(self.parse(digits)?),
        };
        self.push(value)
    }

    fn decimal(&mut self) -> Outcome {
        let line = self.bytes.line()?;
        let digits = line.trim_end_matches('L');
        match digits.parse() {
            Ok(value) => self.push(Value::Int(value)),
            // Only the magic number of old files is so long; nothing reads its digits.
            Err(_) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.push_node(Node::Integer)
            }
            Err(_) => Err(self.wrong(format!("`{}` is no integer", shown(digits)))),
        }
    }

    fn parse<T: std::str::FromStr>(&self, digits: &str) -> Outcome<T> {
        let parsed = digits.parse();
        parsed.map_err(|_| self.wrong(format!("`{}` is no integer of 64 bits", shown(digits))))
    }

    fn pairs(&mut self, values: &[Value]) -> Outcome<Vec<(Value, Value)>> {
        let (pairs, rest) = values.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(self.wrong("a key without value"));
        }
        self.charge(pairs.len() * PAIR)?;
        Ok(pairs.iter().map(|[key, value]| (*key, *value)).collect())
    }

    /// The node that values are added to.
    fn target(&mut self) -> Outcome<&mut Node> {
        match self.top()? {
            // Indices are made by `add`, and no node is ever removed.
            Value::Node(index) => Ok(&mut self.nodes[index as usize]),
            _ => Err(self.wrong("values are added to something that takes none")),
        }
    }

    fn append(&mut self, values: &[Value]) -> Outcome {
        self.charge(values.len() * VALUE)?;
        match self.target()? {
            Node::List(list) | Node::Set(list) => list.extend_from_slice(values),
            Node::Object(object) => object.elements.extend_from_slice(values),
            _ => return Err(self.wrong("values are appended to something that is no list")),
        }
        Ok(())
    }

    fn set_items(&mut self, values: &[Value]) -> Outcome {
        let mut pairs = self.pairs(values)?;
        match self.target()? {
            Node::Dict(dict) => dict.append(&mut pairs),
            Node::Object(object) => object.items.append(&mut pairs),
            _ => return Err(self.wrong("keys are set in something that is no dictionary")),
        }
        Ok(())
    }

    fn line_index(&mut self) -> Outcome<u32> {
        let line = self.bytes.line()?;
        self.parse(&line)
    }

    fn put(&mut self, index: u32) -> Outcome {
        let top = self.top()?;
        if self.memo.insert(index, top).is_none() {
            self.charge(MEMO)?;
        }
        Ok(())
    }

    fn get(&mut self, index: u32) -> Outcome {
        let value = self.memo.get(&index).copied();
        let value = value.ok_or_else(|| self.wrong(format!("memo {index} was never stored")))?;
        self.push(value)
    }

    fn global_lines(&mut self) -> Outcome<Node> {
        let module = self.bytes.line()?;
        let name = self.bytes.line()?;
        self.global(module, name)
    }

    fn global(&mut self, module: String, name: String) -> Outcome<Node> {
        let length = module.len() + name.len();
        if length > limits::NAME_BYTES {
            return Err(self.wrong(format!("a class whose name has {length} bytes")));
        }
        self.charge(length + NODE)?;
        Ok(Node::Global(Box::new(Global { module, name })))
    }

    fn stack_global(&mut self) -> Outcome {
        let [name, module] = [self.pop()?, self.pop()?].map(|value| match value {
            Value::Node(index) => match self.nodes.get(index as usize) {
                Some(Node::Text(text)) => Some(text.to_string()),
                _ => None,
            },
            _ => None,
        });
        let (Some(module), Some(name)) = (module, name) else {
            return Err(self.wrong("a class whose name is no text"));
        };
        let global = self.global(module, name)?;
        self.push_node(global)
    }

    fn called(&mut self, global: Node, values: Vec<Value>) -> Outcome {
        let class = self.add(global)?;
        let arguments = self.add(Node::Tuple(values))?;
        self.object(class, arguments)
    }

    fn object(&mut self, class: Value, arguments: Value) -> Outcome {
        self.charge(OBJECT)?;
        self.push_node(Node::Object(Box::new(Object {
            class,
            arguments,
            state: None,
            elements: Vec::new(),
            items: Vec::new(),
        })))
    }

    fn build(&mut self) -> Outcome {
        let state = self.pop()?;
        match self.target()? {
            Node::Object(object) => object.state = Some(state),
            _ => return Err(self.wrong("a state is given to something that is no object")),
        }
        Ok(())
    }
}
