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
    Baseline,
    Reload,
    Degradation,
    Bulkhead,
    Adaptive,
    Overload,
    RateLimit,
    Shutdown,
    Durability,
}

impl Kind {
    /// In the order in which they run: what leaves the service as it was comes first.
    pub const ALL: &'static [Self] = &[
        Self::Boot,
        Self::Health,
        Self::Liveness,
        Self::Timeouts,
        Self::Retries,
        Self::Breaker,
        Self::Baseline,
        Self::Reload,
        Self::Degradation,
        Self::Bulkhead,
        Self::Adaptive,
        Self::Overload,
        Self::RateLimit,
        Self::Shutdown,
        Self::Durability,
    ];

    pub fn id(self) -> &'static str {
        match self {
            Self::Boot => "boot",
            Self::Health => "health",
            Self::Liveness => "liveness",
            Self::Timeouts => "timeouts",
            Self::Retries => "retries",
            Self::Breaker => "breaker",
            Self::Baseline => "baseline",
            Self::Reload => "reload",
            Self::Degradation => "degradation",
            Self::Bulkhead => "bulkhead",
            Self::Adaptive => "adaptive",
            Self::Overload => "overload",
            Self::RateLimit => "rate-limit",
            Self::Shutdown => "shutdown",
            Self::Durability => "durability",
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
            Self::Baseline => Text {
                en: "At the rate of every day it is within its limits, and no slower than the last time",
                zh: "在日常速率下满足上限，且不比上一次慢",
            },
            Self::Reload => Text {
                en: "A changed configuration takes effect in the running process, and nobody notices otherwise",
                zh: "配置变更在运行中的进程内生效，且不影响其他请求",
            },
            Self::Degradation => Text {
                en: "Without a dependency users get less, and are told so; what was accepted arrives later",
                zh: "缺少依赖时用户得到带标记的降级结果；已接受的工作稍后送达",
            },
            Self::Bulkhead => Text {
                en: "A dependency that hangs makes nobody wait who does not need it",
                zh: "依赖挂起时，不需要它的请求不受影响",
            },
            Self::Adaptive => Text {
                en: "A limit on what is under way moves down when a dependency is slow, and comes back",
                zh: "依赖变慢时并发限制下调，恢复后回升",
            },
            Self::Overload => Text {
                en: "At twice its capacity it answers whom it accepts in time, refuses the rest at once, and recovers",
                zh: "两倍负载下，被接受的请求按时响应，其余立即拒绝，且能恢复",
            },
            Self::RateLimit => Text {
                en: "A client that asks too much is told to wait, and no other one is",
                zh: "请求过多的客户端被要求等待，其他客户端不受影响",
            },
            Self::Durability => Text {
                en: "Whatever was accepted is still there when the process was killed",
                zh: "进程被强制杀死后，已接受的工作仍然存在",
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
            Self::Baseline => &["performance.load-test", "performance.baseline"],
            Self::Reload => &["config.reload"],
            Self::Degradation | Self::Durability => &["resilience.degradation"],
            Self::Bulkhead => &["resilience.bulkhead"],
            Self::Adaptive => &["resilience.adaptive-limits"],
            Self::Overload => &["resilience.backpressure"],
            Self::RateLimit => &["resilience.rate-limit"],
            Self::Shutdown => &["health.graceful-shutdown", "health.readiness"],
        }
    }

    /// By how many trials it must have held more often than not, until that is believed. What measures many repetitions
    /// within a trial needs no second one.
    pub fn lead(self) -> usize {
        match self {
            Self::Timeouts
            | Self::Retries
            | Self::Breaker
            | Self::Baseline
            | Self::Reload
            | Self::Degradation
            | Self::Bulkhead
            | Self::Adaptive
            | Self::Overload
            | Self::RateLimit
            | Self::Durability => 1,
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
