//! The experiments there are.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Size;
use crate::Text;

/// What kind of experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Boot,
    StartOrder,
    Migrations,
    Logs,
    Levels,
    Correlation,
    Tracing,
    Metrics,
    Errors,
    Headers,
    Authentication,
    Contract,
    Webhook,
    Health,
    Liveness,
    Timeouts,
    Tls,
    Shutdown,
    Bodies,
    Reload,
    Degradation,
    Bulkhead,
    Retries,
    Statuses,
    Breaker,
    Baseline,
    RateLimit,
    Adaptive,
    Overload,
    Memory,
    Durability,
}

impl Kind {
    /// In the order in which they run: what leaves the service as it was comes first.
    pub const ALL: &'static [Self] = &[
        Self::Boot,
        Self::StartOrder,
        Self::Migrations,
        Self::Logs,
        Self::Levels,
        Self::Correlation,
        Self::Tracing,
        Self::Metrics,
        Self::Errors,
        Self::Headers,
        Self::Authentication,
        Self::Contract,
        Self::Webhook,
        Self::Health,
        Self::Liveness,
        Self::Timeouts,
        Self::Tls,
        Self::Shutdown,
        Self::Bodies,
        Self::Reload,
        Self::Degradation,
        Self::Bulkhead,
        Self::Retries,
        Self::Statuses,
        Self::Breaker,
        Self::Baseline,
        Self::RateLimit,
        Self::Adaptive,
        Self::Overload,
        Self::Memory,
        Self::Durability,
    ];

    pub fn id(self) -> &'static str {
        match self {
            Self::Boot => "boot",
            Self::Logs => "logs",
            Self::Levels => "levels",
            Self::Correlation => "correlation",
            Self::Tracing => "tracing",
            Self::Metrics => "metrics",
            Self::Errors => "errors",
            Self::Headers => "headers",
            Self::Authentication => "authentication",
            Self::Contract => "contract",
            Self::Webhook => "webhook",
            Self::Health => "health",
            Self::Liveness => "liveness",
            Self::Timeouts => "timeouts",
            Self::Tls => "tls",
            Self::StartOrder => "start-order",
            Self::Statuses => "statuses",
            Self::Migrations => "migrations",
            Self::Retries => "retries",
            Self::Breaker => "breaker",
            Self::Bodies => "bodies",
            Self::Memory => "memory",
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
            Self::Logs => Text {
                en: "Every line that it prints is a JSON object with time, level and message, and no secret or personal data is in any",
                zh: "输出的每一行都是带时间、级别和消息的 JSON 对象，且不含密钥与个人数据",
            },
            Self::Levels => {
                Text { en: "The level of its logs changes while it runs", zh: "运行时可调整日志级别" }
            }
            Self::Correlation => Text {
                en: "The id of a request is in its answer, in its log lines and in the calls that it causes, and in no other's",
                zh: "请求 ID 出现在其响应、日志与下游调用中，且互不混淆",
            },
            Self::Tracing => Text {
                en: "A dependency gets the trace of the request with a span of the service, and log lines name the trace",
                zh: "依赖收到同一追踪与服务自己的 span，日志中带有追踪 ID",
            },
            Self::Metrics => Text {
                en: "Requests, errors and durations are counted as they are sent, and no label holds an id",
                zh: "请求、错误与耗时的计数与实际相符，且标签不含 ID",
            },
            Self::Errors => Text {
                en: "Whatever is wrong with a request, the answer is JSON of one shape, tells nothing of the inside, and users go on",
                zh: "无论请求有何错误，响应都是同一结构的 JSON、不泄露内部信息，且不影响其他用户",
            },
            Self::Headers => Text {
                en: "Answers tell no version, show no debug page, forbid sniffing, and share nothing with foreign origins",
                zh: "响应不泄露版本、没有调试页面、禁止嗅探，且不向外部来源共享",
            },
            Self::Authentication => Text {
                en: "Routes that are not public refuse whoever has no or wrong credentials",
                zh: "非公开路由拒绝没有凭据或凭据错误的请求",
            },
            Self::Contract => Text {
                en: "Answers have the statuses and bodies that the OpenAPI document promises",
                zh: "响应的状态码与正文符合 OpenAPI 文档",
            },
            Self::Webhook => Text {
                en: "Only deliveries that are signed right are taken, and a repeated one has no second effect",
                zh: "只接受签名正确的投递，重复投递不会再次生效",
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
            Self::Tls => Text {
                en: "Nothing is sent to a dependency whose certificate is not its own, and a handshake that hangs is given up",
                zh: "证书不属于依赖本身时不发送任何数据；握手挂起时会放弃",
            },
            Self::StartOrder => Text {
                en: "It may start before its dependencies do: it says that it is not ready, or ends with an error, and is well when they come",
                zh: "可以先于依赖启动：报告未就绪或报错退出，依赖到来后恢复正常",
            },
            Self::Statuses => Text {
                en: "Each kind of refusal of a dependency has its own way out: what no second try changes is not tried again",
                zh: "依赖的每类拒绝都有对应处理：重试无法改变的结果不会重试",
            },
            Self::Migrations => Text {
                en: "Migrations go up, back and up again, and the way back takes back what the way up did",
                zh: "迁移可以执行、回退、再执行，且回退确实撤销了变更",
            },
            Self::Retries => Text {
                en: "Failed calls are repeated with growing, varying waits, and never those that may have been carried out",
                zh: "失败的调用以递增且带抖动的间隔重试，可能已执行的调用不会重复",
            },
            Self::Breaker => Text {
                en: "A dependency that fails all calls soon gets few, and all of them again when it is well",
                zh: "持续失败的依赖很快只收到少量调用，恢复后调用恢复",
            },
            Self::Bodies => Text {
                en: "A body without end is refused before it is held in memory, and slow clients keep nobody out",
                zh: "无限大的正文在占用内存之前被拒绝，慢速客户端不影响其他用户",
            },
            Self::Memory => {
                Text { en: "Memory stays level under steady load", zh: "稳定负载下内存保持平稳" }
            }
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
            Self::Boot | Self::StartOrder => &["health.startup", "health.readiness"],
            Self::Logs => &["observability.structured-logs", "clay.logging", "security.owasp"],
            Self::Levels => &["observability.log-levels"],
            Self::Correlation => &["observability.correlation"],
            Self::Tracing => &["observability.tracing", "observability.correlated"],
            Self::Metrics => &["observability.metrics"],
            Self::Errors => &["errors.boundary", "errors.messages"],
            Self::Headers => &["security.owasp"],
            Self::Authentication => &["security.authn"],
            Self::Contract => &["testing.contract"],
            Self::Webhook => &["clay.webhook-secrets", "security.authn"],
            Self::Health => &["health.endpoint"],
            Self::Liveness => &["health.liveness"],
            Self::Timeouts => &["resilience.timeouts"],
            Self::Tls => &["security.owasp", "resilience.timeouts"],
            Self::Statuses => &["errors.classification", "resilience.retry", "clay.error-types", "clay.rate-limit"],
            Self::Migrations => &["data.migrations"],
            Self::Retries => &["resilience.retry"],
            Self::Breaker => &["resilience.circuit-breaker"],
            Self::Bodies => &["security.input-validation"],
            Self::Memory => &["performance.profiling"],
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

    /// How long it takes with a service in which nothing is wrong, in seconds; each alarm takes a second trial.
    pub(super) fn expected(self, &Size { dependencies, tls, requests, .. }: &Size) -> Duration {
        let dependencies = if self == Self::Tls { tls } else { dependencies };
        let (once, dependency, request) = match self {
            Self::Headers | Self::Contract => (1, 0, 0),
            Self::Boot | Self::Errors | Self::Metrics => (2, 0, 0),
            Self::Authentication | Self::Webhook => (5, 0, 0),
            Self::Reload => (8, 0, 0),
            Self::Shutdown => (10, 0, 0),
            Self::Bodies | Self::Durability => (12, 0, 0),
            Self::Levels | Self::Migrations => (14, 0, 0),
            Self::Memory => (40, 0, 0),
            Self::Baseline => (55, 0, 0),
            Self::Overload => (70, 0, 0),
            Self::RateLimit => (5, 0, 5),
            Self::Logs => (5, 0, 1),
            Self::Tracing => (1, 0, 2),
            Self::Correlation => (2, 0, 6),
            Self::StartOrder => (1, 7, 0),
            Self::Health => (1, 6, 0),
            Self::Liveness => (5, 30, 0),
            Self::Timeouts => (0, 22, 0),
            Self::Tls => (0, 11, 0),
            Self::Degradation => (0, 30, 0),
            Self::Bulkhead => (0, 20, 0),
            Self::Statuses => (0, 28, 0),
            Self::Retries => (0, 32, 0),
            Self::Adaptive => (0, 45, 0),
            Self::Breaker => (0, 75, 0),
        };
        Duration::from_secs(once + dependency * u64::from(dependencies) + request * u64::from(requests))
    }

    /// Whether it only asks by GET, and neither breaks nor loads: all that may be done to another machine.
    pub fn only_looks(self) -> bool {
        matches!(self, Self::Headers | Self::Contract | Self::Health)
    }

    /// Whether a dependency is broken, or the process killed: failure injection as people speak of it.
    pub fn injects_failure(self) -> bool {
        matches!(
            self,
            Self::StartOrder
                | Self::Health
                | Self::Liveness
                | Self::Timeouts
                | Self::Tls
                | Self::Statuses
                | Self::Degradation
                | Self::Bulkhead
                | Self::Retries
                | Self::Breaker
                | Self::Durability
        )
    }

    /// What it says depends on how fast the service is, and not only on what it answers.
    pub fn is_timed(self) -> bool {
        match self {
            Self::Boot
            | Self::Health
            | Self::Liveness
            | Self::Timeouts
            | Self::StartOrder
            | Self::Retries
            | Self::Breaker
            | Self::Baseline
            | Self::Bulkhead
            | Self::Adaptive
            | Self::Overload
            | Self::RateLimit
            | Self::Shutdown
            | Self::Durability
            | Self::Bodies
            | Self::Memory => true,
            Self::Migrations
            | Self::Tls
            | Self::Statuses
            | Self::Degradation
            | Self::Logs
            | Self::Levels
            | Self::Correlation
            | Self::Tracing
            | Self::Metrics
            | Self::Errors
            | Self::Headers
            | Self::Authentication
            | Self::Contract
            | Self::Webhook
            | Self::Reload => false,
        }
    }

    /// By how many trials it must have held more often than not, until that is believed. What measures many repetitions
    /// within a trial needs no second one.
    pub fn lead(self) -> usize {
        match self {
            Self::Timeouts
            | Self::Migrations
            | Self::Statuses
            | Self::StartOrder
            | Self::Tls
            | Self::Retries
            | Self::Breaker
            | Self::Logs
            | Self::Levels
            | Self::Correlation
            | Self::Tracing
            | Self::Metrics
            | Self::Errors
            | Self::Headers
            | Self::Authentication
            | Self::Contract
            | Self::Webhook
            | Self::Bodies
            | Self::Baseline
            | Self::Memory
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
