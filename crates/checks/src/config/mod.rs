//! Configuration and secrets.

mod externalized;
mod feature_flags;
pub(crate) mod no_secrets;
mod reload;
mod vault;

use gonogo_domain::Check;

pub(crate) static CHECKS: &[&Check] =
    &[&externalized::CHECK, &no_secrets::CHECK, &vault::CHECK, &reload::CHECK, &feature_flags::CHECK];

/// What `config.no-secrets` says of a sighting of a secret; none: where it stands it does not count.
pub(crate) fn of_secret(
    sighting: &gonogo_domain::evidence::SecretSighting,
    today: jiff::civil::Date,
) -> Option<gonogo_domain::Message> {
    let (en, zh) = no_secrets::words(sighting);
    no_secrets::counts(sighting, today).then(|| gonogo_domain::Message::new(en, zh))
}
