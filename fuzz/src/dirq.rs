//! Names in a directory queue, whatever else lies there: a message is where `add` says,
//! whole, and outside of the queue nothing is written.

use std::fs;
use std::path::Path;

use caso_disk::{DirQueue, MonotonicNames};

fn is_name(name: &str, length: usize) -> bool {
    name.len() == length && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// What lies in the queue before (a link, or a file, and its name), and the messages.
pub type Input = (Vec<(bool, String)>, Vec<Vec<u8>>);

/// The target.
pub fn target(input: Input) {
    let (planted, messages) = input;
    let Ok(folder) = tempfile::tempdir() else {
        return;
    };
    let (queue, outside) = (folder.path().join("q"), folder.path().join("outside"));
    if fs::create_dir(&queue)
        .and_then(|()| fs::create_dir(&outside))
        .is_err()
    {
        return;
    }
    for (link, name) in planted {
        let plain = Path::new(&name)
            .file_name()
            .is_some_and(|file| file == name.as_str());
        if plain && link {
            let _ = std::os::unix::fs::symlink(&outside, queue.join(name));
        } else if plain {
            let _ = fs::write(queue.join(name), "");
        }
    }
    let writer = DirQueue::new(queue.clone(), None, MonotonicNames::default());
    for message in messages {
        if let Ok(element) = writer.add(&message) {
            let (minute, name) = element.split_once('/').expect("a folder and an element");
            assert!(is_name(minute, 8) && is_name(name, 14), "{element}");
            assert_eq!(
                fs::read(queue.join(&element)).expect("it is there"),
                message
            );
        }
    }
    assert!(
        fs::read_dir(&outside)
            .expect("it is there")
            .next()
            .is_none()
    );
}
