//! Signatures of webhooks, after the Standard Webhooks specification 1.0.0: the header holds `v1,` and the HMAC-SHA256 of
//! id, time and body.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

/// How a secret begins.
const PREFIX: &str = "whsec_";

/// The secret of a webhook: `whsec_` and 256 random bits in base 64.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    text: String,
    bytes: Vec<u8>,
}

/// A text that is no secret of a webhook.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is not `whsec_` and 24 to 64 bytes in base 64")]
pub struct SecretError;

impl Secret {
    /// A new one; if the system has no random bits, why.
    pub(crate) fn new() -> Result<Secret, String> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
        Ok(Secret { text: format!("{PREFIX}{}", STANDARD.encode(bytes)), bytes: bytes.to_vec() })
    }

    pub(crate) fn parse(text: &str) -> Result<Secret, SecretError> {
        let bytes = text.strip_prefix(PREFIX).and_then(|rest| STANDARD.decode(rest).ok()).ok_or(SecretError)?;
        if !(24..=64).contains(&bytes.len()) {
            return Err(SecretError);
        }
        Ok(Secret { text: text.to_owned(), bytes })
    }

    /// As it is handed to the receiver.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands in `webhook-signature`. `seconds`: the time of this attempt, since 1970.
    pub(crate) fn sign(&self, id: &str, seconds: i64, body: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.bytes);
        let tag = hmac::sign(&key, format!("{id}.{seconds}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(tag))
    }
}

/// Whatever is printed, the secret is not.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::{Secret, SecretError};

    #[test]
    fn signs_as_the_specifications_own_libraries_do() {
        // From the tests of the specification's libraries.
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        assert_eq!(
            secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
        // Made with `openssl dgst -sha256 -mac HMAC`, of a secret of 32 bytes and a body that is not ASCII.
        let secret = Secret::parse("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
        assert_eq!(
            secret.sign("msg_1", 1_700_000_000, r#"{"a":"ä"}"#),
            "v1,jYknUC7meGdZ2Wm7vh/KWoFR3dy5hypghPCbtzUttR4="
        );
    }

    #[test]
    fn each_is_another_and_reads_back() {
        let (one, two) = (Secret::new().unwrap(), Secret::new().unwrap());
        assert_ne!(one, two);
        assert_eq!(Secret::parse(one.as_str()), Ok(one.clone()));
        assert_eq!(format!("{one:?}"), "Secret");
    }

    #[test]
    fn what_is_too_short_or_no_base_64_is_no_secret() {
        for text in [
            "",
            "whsec_",
            "whsec_YQ==",
            "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa!!",
        ] {
            assert_eq!(Secret::parse(text), Err(SecretError), "{text}");
        }
    }
}
