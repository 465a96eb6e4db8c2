//! What a rollout can reach and see, said before it starts.

use std::time::Duration;

use gonogo_actuators::Driver as _;
use gonogo_domain::rollout::{GateKind, Percent, Sight, Trouble, gate::Reading, power::Power, sequential::Trials};
use jiff::SignedDuration;
use serde::Serialize;

use crate::{Actuator, File, Meters};

/// One step beforehand.
#[derive(Clone, Debug, Serialize)]
pub struct StepForecast {
    pub asked: Percent,
    /// As the driver says it.
    pub reachable: String,
    #[serde(rename = "share")]
    pub percent: Option<Percent>,
    /// It is further off than is tolerated.
    pub off: bool,
    pub watch: SignedDuration,
    /// What each comparing gate sees, by its name.
    pub gates: Vec<(String, String)>,
    /// Every gate sees what it is asked to.
    pub enough: bool,
}

/// All of it.
#[derive(Clone, Debug, Serialize)]
pub struct Forecast {
    pub stable: String,
    pub ready: u32,
    pub wanted: u32,
    /// What stable can be brought back to; empty: nothing but what it has.
    pub past: Vec<String>,
    /// Requests a second; none: not known.
    pub rate: Option<f64>,
    pub steps: Vec<StepForecast>,
    /// The shortest time that the whole takes.
    pub at_least: SignedDuration,
    pub notices: Vec<String>,
}

/// Looks at the world and at the traffic for so long, and says what will come.
pub async fn forecast(
    file: &File,
    actuator: &mut Actuator,
    meters: &Meters,
    measured: Duration,
) -> Result<Forecast, Trouble> {
    let sight = actuator.observe().await?;
    let traffic = traffic(file, actuator, meters, measured).await;
    let rate =
        file.traffic.rate.or_else(|| traffic.iter().filter_map(|one| one.map(|(rate, _)| rate)).reduce(f64::max));
    let plan = &file.plan;
    let mut steps = Vec::with_capacity(plan.steps.len());
    let mut watched = SignedDuration::ZERO;
    for step in &plan.steps {
        watched = watched.saturating_add(step.watch.length);
        let share = actuator.reachable(step.share, &sight);
        let percent = share.percent();
        let mut gates = Vec::new();
        let mut enough = true;
        for (gate, traffic) in plan.gates.iter().zip(&traffic) {
            let (GateKind::Compare { worse_by, .. } | GateKind::Latency { worse_by, .. }) = gate.kind else { continue };
            let stable = match gate.kind {
                GateKind::Latency { .. } => 0.01,
                _ => file.traffic.errors.or(traffic.map(|(_, errors)| errors)).unwrap_or(0.0),
            };
            let Some(rate) = rate else {
                gates.push((gate.name.clone(), "the traffic is not known: say [traffic] rate".to_owned()));
                enough = false;
                continue;
            };
            let length = Duration::try_from(watched).unwrap_or_default();
            let asked = (stable + worse_by).min(1.0);
            let power =
                Power::of(rate, length, percent.unwrap_or(step.share), stable, asked, plan.false_alarms_of_one());
            enough &= power.enough();
            let sentence = power.sentence();
            let sentence = if matches!(gate.kind, GateKind::Latency { .. }) {
                sentence.replace("errors above", "slow requests above")
            } else {
                sentence
            };
            gates.push((gate.name.clone(), sentence));
        }
        steps.push(StepForecast {
            asked: step.share,
            reachable: share.to_string(),
            percent,
            off: percent.is_none_or(|percent| percent.apart(step.share) > plan.share_tolerance),
            watch: step.watch.length,
            gates,
            enough,
        });
    }
    let warm_ups = i32::try_from(plan.steps.len() + 1).unwrap_or(i32::MAX);
    let at_least = watched.saturating_add(plan.after.length).saturating_add(plan.warm_up.saturating_mul(warm_ups));
    let notices = notices(&sight);
    let Sight { stable, past, .. } = sight;
    Ok(Forecast {
        stable: stable.revision.0,
        ready: stable.ready,
        wanted: stable.wanted,
        past: past.into_iter().map(|revision| revision.0).collect(),
        rate,
        steps,
        at_least,
        notices,
    })
}

fn notices(sight: &Sight) -> Vec<String> {
    let mut notices = sight.notices.clone();
    if let Some(owner) = &sight.owner {
        let reverts = if owner.reverts == Some(true) { " and undoes what others change" } else { "" };
        notices.push(format!("{} ({}) writes the same objects{reverts}", owner.tool, owner.object));
    }
    if let Some(holder) = &sight.holder {
        notices.push(format!("{holder} drives this service now"));
    }
    notices
}

/// Requests a second and the ratio of wrong ones, for each gate that counts requests.
async fn traffic(file: &File, actuator: &mut Actuator, meters: &Meters, measured: Duration) -> Vec<Option<(f64, f64)>> {
    let counts = |reading: &Reading| -> Option<Trials> {
        match reading {
            Reading::Counts { canary, stable } => {
                let mut sum = (*stable)?;
                sum.add(canary.unwrap_or_default());
                Some(sum)
            }
            Reading::Histograms { canary, stable } => {
                let all = stable.as_ref()?.all + canary.as_ref().map_or(0, |canary| canary.all);
                Some(Trials { all, bad: 0 })
            }
            _ => None,
        }
    };
    if file.traffic.rate.is_some() && file.traffic.errors.is_some() || measured.is_zero() {
        return vec![None; file.plan.gates.len()];
    }
    let before = meters.read(actuator).await.gates;
    tokio::time::sleep(measured).await;
    let after = meters.read(actuator).await.gates;
    let pairs = before.iter().zip(&after);
    pairs
        .map(|(before, after)| {
            let (before, after) = (counts(before)?, counts(after)?);
            let all = after.all.checked_sub(before.all)?;
            let bad = after.bad.checked_sub(before.bad)?;
            let ratio = Trials { all, bad }.ratio().unwrap_or(0.0);
            #[expect(clippy::cast_precision_loss, reason = "requests of some seconds are far below 2^52")]
            Some((all as f64 / measured.as_secs_f64(), ratio))
        })
        .collect()
}
