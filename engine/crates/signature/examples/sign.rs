//! Signs what comes on standard input, as often as is asked: `sign CERT KEY [RECEIVER|- [TIMES]]`.
//! For `tests/ams/check`, which lets OpenSSL read it.

use std::io::{Read as _, Write as _};
use std::time::{SystemTime, UNIX_EPOCH};

use caso_signature::{SignatureFiles, Signer};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |index: usize| arguments.get(index).filter(|text| *text != "-");
    let (Some(certfile), Some(keyfile)) = (argument(0), argument(1)) else {
        return Err("usage: sign CERT KEY [RECEIVER|- [TIMES]] < TEXT".into());
    };
    let signer = Signer::read(&SignatureFiles {
        certfile: certfile.into(),
        keyfile: keyfile.into(),
        encrypt: argument(2).map(Into::into),
    })?;
    let times = argument(3).map_or(Ok(1), |text| text.parse::<u32>())?;
    let mut text = Vec::new();
    std::io::stdin().read_to_end(&mut text)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let now = i64::try_from(now)?;
    for _ in 1..times {
        signer.sign(&text, now)?;
    }
    std::io::stdout().write_all(&signer.sign(&text, now)?)?;
    Ok(())
}
