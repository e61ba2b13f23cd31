//! Pickles that call, that contain themselves, and that describe more than they hold.

use std::path::Path;

use eigenscope_checkpoint::{Checkpoint, CheckpointError};

use super::{archive, message, open, tensor_pickle};

#[test]
fn calls_in_pickles_are_not_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = folder.path().join("witness");
    let mut pickle =
        format!("(dVx\ncposix\nsystem\n(Vtouch {}\ntRs", witness.display()).into_bytes();
    pickle.extend(b"Vy\ncbuiltins\neval\n(V1+1\ntRsVz\n(iposix\nsystem\nbVmodel\n");
    // An object needs values: `bVmodel` above would be its state.
    let broken = open("x.pt", &archive(&pickle, &[], false)).expect_err("refused");
    assert!(
        matches!(broken, CheckpointError::Damaged { .. }),
        "{broken}"
    );

    let mut pickle = format!(
        "(dVx\ncposix\nsystem\n(Vtouch {}\ntRsVmodel\n",
        witness.display()
    )
    .into_bytes();
    pickle.extend(
        tensor_pickle("2", "0", "L2L\n", "L1L\n")
            .strip_suffix(b".")
            .expect("the end"),
    );
    pickle.extend(b"s.");
    let file = open("x.pt", &archive(&pickle, &[("0", vec![0; 8])], false)).expect("readable");
    assert_eq!(file.tensors()[0].name, "w");
    assert_eq!(
        file.notes()[0].to_string(),
        "a pickled `posix.system` at `x` passed over; nothing of it was run"
    );
    assert!(!witness.exists());
}

/// A call within the state of an optimiser, one whose result is thrown away, and one within a call.
#[test]
fn calls_that_lead_to_nothing_are_named() {
    let mut pickle = b"cposix\nsystem\n(Vtouch x\ntR0".to_vec();
    pickle.extend(b"(dVo\n(dVstate\n(dVx\ncmine\nRun\n)RssVparam_groups\n]ssVy\n");
    pickle.extend(b"cbuiltins\ngetattr\n(Vos\nVsystem\ntR(Vls\ntRsVmodel\n");
    let tensor = tensor_pickle("2", "0", "L2L\n", "L1L\n");
    pickle.extend(tensor.strip_suffix(b".").expect("the end"));
    pickle.extend(b"s.");
    let file = open("x.pt", &archive(&pickle, &[("0", vec![0; 8])], false)).expect("readable");
    let notes: Vec<String> = file.notes().iter().map(ToString::to_string).collect();
    assert_eq!(
        notes,
        [
            "a pickled `an unnamed class` at `y` passed over; nothing of it was run",
            "a pickled `builtins.getattr` passed over; nothing of it was run",
            "a pickled `mine.Run` passed over; nothing of it was run",
            "a pickled `posix.system` passed over; nothing of it was run",
            "the state of an optimiser at `o` left out",
        ]
    );
}

/// Each takes hours, or more memory than a machine has, if what many values share is looked at or copied for each.
#[test]
fn what_many_values_share_costs_once() {
    let refused = |pickle: &[u8]| message("x.pt", &archive(pickle, &[("0", vec![0; 8])], false));
    let tensor = |key: &[u8], shape: &[u8]| {
        let mut pickle =
            b"ctorch._utils\n_rebuild_tensor_v2\n((Vstorage\nctorch\nFloatStorage\n".to_vec();
        pickle.extend([key, b"Vcpu\nL2L\ntQL0L\n", shape, b"(L1L\ntI00\n(dtR"].concat());
        pickle
    };
    let many = |first: Vec<u8>, tensor: Vec<u8>| {
        let mut pickle = [b"]".to_vec(), first, b"0".to_vec()].concat();
        pickle.extend([tensor, b"a".to_vec()].concat().repeat(40_000));
        pickle.push(b'.');
        pickle
    };
    let shape = [&b"("[..], &b"K\x01".repeat(1_000_000), b"tq\0"].concat();
    let message = refused(&many(shape, tensor(b"V0\n", b"h\0")));
    assert!(message.contains("33 dimensions"), "{message}");
    let mut key = b"X".to_vec();
    key.extend(20_000_000_u32.to_le_bytes());
    key.extend(b"x".repeat(20_000_000));
    key.extend(b"q\0");
    let message = refused(&many(key, tensor(b"h\0", b"(L2L\nt")));
    assert!(
        message.contains("the key of its storage has 20000000 bytes"),
        "{message}"
    );

    // Dictionaries with a tensor in each other.
    let one = tensor(b"V0\n", b"(L2L\nt");
    let mut deep = [&one[..], b"q\x010}"].concat();
    deep.extend(b"Vw\nh\x01sVd\n}".repeat(150_000));
    deep.extend(b"s".repeat(150_000));
    deep.push(b'.');
    let message = refused(&deep);
    assert!(message.contains("and 149988 more; choose one"), "{message}");
    // Copies beside each other.
    let mut copies = [&one[..], b"q\x010}"].concat();
    for copy in 0..150_000 {
        copies.extend(format!("V{copy}\n}}Vw\nh\u{1}ss").as_bytes());
    }
    copies.push(b'.');
    let message = refused(&copies);
    assert!(message.contains("and 149988 more; choose one"), "{message}");
    // Dictionaries that are made from the same list of pairs.
    let mut shared = b"ccollections\nOrderedDict\nq\x010](".to_vec();
    shared.extend(b"K\x01K\x01\x86".repeat(500_000));
    shared.extend(b"e\x85q\x020]");
    shared.extend(b"h\x01h\x02Ra".repeat(500_000));
    shared.push(b'.');
    let message = refused(&shared);
    assert!(message.contains("more tensors or values"), "{message}");
    let name = [b"c".to_vec(), b"x".repeat(2000), b"\ny\n.".to_vec()].concat();
    assert!(refused(&name).contains("a class whose name has 2001 bytes"));
}

#[test]
fn pickles_that_describe_more_than_they_hold_are_refused() {
    let refused = |pickle: &[u8]| message("x.pt", &archive(pickle, &[], false));
    // Ten million empty lists, each one byte.
    let lists = refused(&b"]".repeat(10_000_000));
    assert!(lists.contains("512 MiB of memory"), "{lists}");
    // Lists of the same list over and over: 2^40 elements for somebody who copies.
    let mut doubled = b"]q\0".to_vec();
    for index in 0u8..40 {
        doubled.extend([b'(', b'h', index, b'h', index, b'l', b'q', index + 1]);
    }
    doubled.push(b'.');
    assert!(refused(&doubled).contains("it holds no tensors"));
    // The same with dictionaries under a name, which are looked through for tensors.
    let mut nested = tensor_pickle("2", "0", "L2L\n", "L1L\n");
    nested.pop();
    nested.extend(b"q\0");
    for index in 0u8..40 {
        nested.extend([
            b'}',
            b'(',
            b'U',
            1,
            b'a',
            b'h',
            index,
            b'U',
            1,
            b'b',
            b'h',
            index,
            b'u',
            b'q',
            index + 1,
        ]);
    }
    nested.push(b'.');
    let bytes = archive(&nested, &[("0", vec![0; 8])], false);
    let all =
        Checkpoint::of_bytes(Path::new("x.pt"), bytes.clone(), Some("")).expect_err("refused");
    assert!(all.to_string().contains("250000 tensors"), "{all}");
    assert_eq!(open("x.pt", &bytes).expect("one place").tensors().len(), 1);
    // Deep in each other.
    let mut deep = b"}".to_vec();
    deep.extend(b"U\x01a}".repeat(200_000));
    deep.extend(b"s".repeat(200_000));
    deep.push(b'.');
    assert!(refused(&deep).contains("it holds no tensors"));
    // A dictionary that contains itself.
    assert!(refused(b"}q\0U\x01ah\0s.").contains("it holds no tensors"));
    // Texts and numbers of enormous length.
    for pickle in [
        &b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7f"[..],
        b"T\xff\xff\xff\xff",
        b"\x8b\xff\xff\xff\x7f",
        b"\x96\0\0\0\0\x01\0\0\0",
    ] {
        assert!(refused(pickle).contains("bytes are wanted"));
    }
    for (pickle, reason) in [
        (&b"\xfe"[..], "is no opcode"),
        (b"a.", "there is none"),
        (b"e.", "a mark is wanted"),
        (b"h\x09.", "memo 9 was never stored"),
        (b"NNNs.", "takes none"),
        (b"\x80\x09.", "protocol 9"),
        (b"\x82\x01.", "numbers that only the program"),
        (b"\x97.", "buffers outside"),
        (b"(R.", "there is none"),
        (b"", "bytes are wanted"),
    ] {
        let message = refused(pickle);
        assert!(
            message.contains(reason) && message.contains("entry `a/data.pkl`, byte"),
            "{message}"
        );
    }
}
