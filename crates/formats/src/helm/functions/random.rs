//! What helm draws by chance: always the same stand-in here, so that the same input gives the same report.

#![expect(clippy::unnecessary_wraps, reason = "every function of the table has one signature")]

use super::{Function, MANY, function, int, size, text};
use crate::helm::eval::{Machine, Outcome};
use crate::helm::value::{Object, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    function("randAlphaNum", 1, 1, |machine, arguments| letters(machine, arguments, "generated")),
    function("randAlpha", 1, 1, |machine, arguments| letters(machine, arguments, "generated")),
    function("randAscii", 1, 1, |machine, arguments| letters(machine, arguments, "generated")),
    function("randNumeric", 1, 1, |machine, arguments| letters(machine, arguments, "0123456789")),
    function("randBytes", 1, 1, |machine, arguments| {
        let value = letters(machine, arguments, "generated")?;
        Ok(Value::str(super::encoding::base64(value.as_str().unwrap_or_default().as_bytes())))
    }),
    function("randInt", 2, 2, |_, arguments| Ok(Value::int(int(arguments, 0)?))),
    function("uuidv4", 0, 0, |_, _| Ok(Value::str("00000000-0000-4000-8000-000000000000"))),
    function("bcrypt", 1, 1, |_, _| Ok(Value::str("generated-bcrypt-hash"))),
    function("htpasswd", 2, MANY, |_, arguments| {
        Ok(Value::str(format!("{}:generated-bcrypt-hash", text(arguments, 0)?.as_str())))
    }),
    function("derivePassword", 5, 5, |_, _| Ok(Value::str("generated-password"))),
    function("genPrivateKey", 1, 1, |_, _| Ok(Value::str("generated-private-key"))),
    function("encryptAES", 2, 2, |_, _| Ok(Value::str("generated-ciphertext"))),
    function("decryptAES", 2, 2, |_, _| Ok(Value::str("generated-plaintext"))),
    function("buildCustomCert", 2, 2, certificate),
    function("genCA", 2, 2, certificate),
    function("genCAWithKey", 3, 3, certificate),
    function("genSelfSignedCert", 4, 4, certificate),
    function("genSelfSignedCertWithKey", 5, 5, certificate),
    function("genSignedCert", 5, 5, certificate),
    function("genSignedCertWithKey", 6, 6, certificate),
];

fn letters(machine: &mut Machine, arguments: &[Value], alphabet: &str) -> Outcome {
    let count = size(int(arguments, 0)?);
    machine.afford(count, 1)?;
    Ok(Value::str(alphabet.chars().cycle().take(count).collect::<String>()))
}

/// The words are no key, so that nobody takes them for a leaked one.
fn certificate(_: &mut Machine, _: &[Value]) -> Outcome {
    Ok(Value::object(Object::Certificate {
        cert: "generated-certificate".to_owned(),
        key: "generated-certificate-key".to_owned(),
    }))
}
