//! The experiments there are.

use serde::{Deserialize, Serialize};

use crate::Text;

/// What kind of experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Boot,
    Health,
    Liveness,
    Timeouts,
    Retries,
    Breaker,
    Shutdown,
}

impl Kind {
    /// In the order in which they run: what leaves the service as it was comes first.
    pub const ALL: &'static [Self] =
        &[Self::Boot, Self::Health, Self::Liveness, Self::Timeouts, Self::Retries, Self::Breaker, Self::Shutdown];

    pub fn id(self) -> &'static str {
        match self {
            Self::Boot => "boot",
            Self::Health => "health",
            Self::Liveness => "liveness",
            Self::Timeouts => "timeouts",
            Self::Retries => "retries",
            Self::Breaker => "breaker",
            Self::Shutdown => "shutdown",
        }
    }

    /// What holds if all is well: the hypothesis.
    pub fn hypothesis(self) -> Text {
        match self {
            Self::Boot => Text {
                en: "It is ready in time, and whoever asks it from then on is answered",
                zh: "按时就绪，且就绪后的请求都能得到响应",
            },
            Self::Health => Text {
                en: "Health names the dependency that is gone, and takes it back when it returns",
                zh: "健康端点指明中断的依赖，恢复后不再报告",
            },
            Self::Liveness => Text {
                en: "Liveness stays well without dependencies, and fails when the process hangs",
                zh: "存活端点不受依赖影响，进程挂起时失败",
            },
            Self::Timeouts => Text {
                en: "A dependency that hangs makes nobody wait longer than the bound",
                zh: "依赖挂起时，任何人的等待都不超过上限",
            },
            Self::Retries => Text {
                en: "Failed calls are repeated with growing, varying waits, and never those that may have been carried out",
                zh: "失败的调用以递增且带抖动的间隔重试，可能已执行的调用不会重复",
            },
            Self::Breaker => Text {
                en: "A dependency that fails all calls soon gets few, and all of them again when it is well",
                zh: "持续失败的依赖很快只收到少量调用，恢复后调用恢复",
            },
            Self::Shutdown => Text {
                en: "SIGTERM under load loses no request, readiness says no first, and the process ends by itself",
                zh: "负载下收到 SIGTERM 不丢请求，先报告未就绪，进程自行结束",
            },
        }
    }

    /// The checks that it speaks of.
    pub fn checks(self) -> &'static [&'static str] {
        match self {
            Self::Boot => &["health.startup", "health.readiness"],
            Self::Health => &["health.endpoint"],
            Self::Liveness => &["health.liveness"],
            Self::Timeouts => &["resilience.timeouts"],
            Self::Retries => &["resilience.retry"],
            Self::Breaker => &["resilience.circuit-breaker"],
            Self::Shutdown => &["health.graceful-shutdown", "health.readiness"],
        }
    }

    /// By how many trials it must have held more often than not, until that is believed. What measures many repetitions
    /// within a trial needs no second one.
    pub fn lead(self) -> usize {
        match self {
            Self::Timeouts | Self::Retries | Self::Breaker => 1,
            Self::Boot | Self::Health | Self::Liveness | Self::Shutdown => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_what_is_written_in_records() {
        for kind in Kind::ALL {
            assert_eq!(toml::Value::try_from(kind).unwrap().as_str(), Some(kind.id()));
        }
    }
}
