//! Why there is no trial.

use gonogo_domain::Message;

use crate::bench::BenchError;

/// Why an experiment gave nothing.
#[derive(Debug)]
pub enum Unmade {
    /// The question does not arise here.
    NotApplicable(Message),
    /// Something that it needs is missing.
    Missing(Message),
    Bench(BenchError),
}

impl Unmade {
    pub(super) fn no_dependency() -> Self {
        Self::NotApplicable(Message::new(
            "no dependency is configured: [service.NAME.run.dependency.…]",
            "未配置依赖：[service.NAME.run.dependency.…]",
        ))
    }

    pub(super) fn no_http_dependency() -> Self {
        Self::NotApplicable(Message::new(
            "no dependency that speaks HTTP is configured (`http = true`): single calls cannot be told apart",
            "未配置 HTTP 依赖（`http = true`）：无法区分单次调用",
        ))
    }

    pub(super) fn no_process() -> Self {
        Self::Missing(Message::new(
            "it needs the process, and the service runs already (`attach`)",
            "需要进程本身，而服务已在运行（`attach`）",
        ))
    }

    pub(super) fn foreign() -> Self {
        Self::Missing(Message::new(
            "the service runs on another machine (`allow`): it is asked by GET, now and then, and neither broken nor loaded",
            "服务运行在其他机器上（`allow`）：只以低频 GET 请求，不做破坏或加压",
        ))
    }

    pub(super) fn no_path(key: &str) -> Self {
        Self::Missing(Message::new(
            format!("no path is configured: [service.NAME.run.probes] {key} = \"/…\""),
            format!("未配置路径：[service.NAME.run.probes] {key} = \"/…\""),
        ))
    }

    pub(super) fn no_request() -> Self {
        Self::Missing(Message::new(
            "no [[service.NAME.run.request]] is configured that is answered well",
            "没有配置能得到正常响应的 [[service.NAME.run.request]]",
        ))
    }

    pub(super) fn no_request_needs_one() -> Self {
        Self::Missing(Message::new(
            "no [[service.NAME.run.request]] that is answered well was seen to call a dependency",
            "没有成功的 [[service.NAME.run.request]] 调用了依赖",
        ))
    }
}

impl<E: Into<BenchError>> From<E> for Unmade {
    fn from(error: E) -> Self {
        Self::Bench(error.into())
    }
}
