//! Work that keeps failing goes to a dead-letter queue.

use gonogo_domain::{
    Area, Capability, Check, Classes, Evidence, Finding, Gate, Message, Missing, Node, Place, Policy, Reading,
    Readings, Standard, Strength, Tally, Text,
    evidence::{Meaning, Resource},
};

use crate::shared::program;

pub(crate) static CHECK: Check = Check {
    id: "errors.dead-letter",
    title: Text {
        en: "Work that keeps failing goes to a durable dead-letter queue with an alert and a replay procedure",
        zh: "反复失败的任务进入持久化死信队列，并配有告警与重放流程",
    },
    source: &["B3.2c"],
    standard: Standard::ProductionReadiness,
    area: Area::Errors,
    level: None,
    gate: Gate::Required,
    min: Strength::Configured,
    classes: Classes::RUNNING_CODE,
    fresh_days: None,
    record: &[],
    remediation: Text {
        en: "Give each queue a dead-letter queue, an alert on its depth, and a runbook for the replay.",
        zh: "为每个队列配置死信队列、深度告警以及重放操作手册。",
    },
    references: &[
        "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html",
    ],
    page: include_str!("dead_letter.md"),
    judge,
};

fn judge(evidence: &Evidence<'_>, _policy: &Policy) -> Readings {
    Readings::configured(configured(evidence))
}

fn configured(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let mut tally = Tally::new();
    let resources = evidence.infrastructure()?;
    for queue in resources.iter().filter(|resource| queue_kind(resource).is_some()) {
        // A queue that others name as their dead-letter queue needs none itself.
        if is_dead_letter(queue, resources) {
            continue;
        }
        let key = format!("{}.{}", queue.kind, queue.name);
        match queue_kind(queue).and_then(|field| queue.body.get(field)).or_else(|| redrive(queue, resources)) {
            Some(policy) => tally.met(key, &policy.place),
            None => tally.miss(
                key,
                Finding::new(
                    &queue.place,
                    format!(
                        "queue {} has no dead-letter queue: work that keeps failing blocks it or is lost",
                        queue.name
                    ),
                    format!("队列 {} 没有死信队列：反复失败的任务会阻塞或丢失", queue.name),
                ),
            ),
        }
    }
    if !tally.is_empty() {
        return Ok(tally.reading("queues have a dead-letter queue", "个队列配有死信队列"));
    }
    let consumes = evidence.packages()?.iter().any(|package| !package.dependencies_for(Capability::Queue).is_empty());
    let depends = evidence.service().dependencies.iter().any(|one| is_broker(&one.kind));
    if consumes || depends {
        return in_source(evidence);
    }
    Ok(Reading::not_applicable(
        "no queue is declared: neither infrastructure, nor a client library, nor a dependency",
        "未声明任何队列：基础设施、客户端库与依赖中均未发现",
    ))
}

/// Where the program takes work from a queue, and where it puts what keeps failing.
fn in_source(evidence: &Evidence<'_>) -> Result<Reading, Missing> {
    let source = evidence.source()?;
    let kept: Vec<Place> = source.uses_for(&[Meaning::DeadLetter]).map(|(_, one)| one.place.clone()).collect();
    if !kept.is_empty() {
        return Ok(Reading::shown(
            kept,
            "the program puts what keeps failing into a queue of its own",
            "程序将反复失败的任务放入单独的队列",
        ));
    }
    let files = program::files(source);
    let sources = program::counted(files);
    let consumer = source.uses_for(&[Meaning::QueueConsume]).next();
    let Some((_, consumer)) = consumer else {
        if source.uses_for(&[Meaning::QueuePublish]).next().is_some() {
            return Ok(Reading::not_applicable(
                format!("it puts work into queues and takes none out, in {sources}"),
                format!("{files} 个源文件只向队列投递任务，不消费"),
            ));
        }
        return Ok(program::trail_ends(
            format!("a queue is depended on, and no use of it was recognised in {sources}"),
            format!("依赖了队列，但在 {files} 个源文件中未识别出对它的使用"),
        ));
    };
    // Where work goes that fails is as often a setting of the broker.
    Ok(Reading::elsewhere(
        Message::new(
            format!(
                "{} takes work at {}, and nothing here says where work goes that keeps failing",
                consumer.symbol, consumer.place
            ),
            format!("{} 在 {} 处消费任务，此处未说明反复失败的任务去向", consumer.symbol, consumer.place),
        ),
        Message::new("the dead-letter queue in the broker's configuration", "消息代理配置中的死信队列"),
    ))
}

/// The attribute that names the dead-letter queue, for a resource that is a queue or a subscription.
fn queue_kind(resource: &Resource) -> Option<&'static str> {
    match resource.kind.as_str() {
        "aws_sqs_queue" => Some("redrive_policy"),
        "AWS::SQS::Queue" => Some("RedrivePolicy"),
        "google_pubsub_subscription" => Some("dead_letter_policy"),
        "azurerm_servicebus_queue" | "azurerm_servicebus_subscription" => Some("dead_lettering_on_message_expiration"),
        _ => None,
    }
}

/// Terraform can write the policy as a resource of its own.
fn redrive<'a>(queue: &Resource, resources: &'a [Resource]) -> Option<&'a Node> {
    resources
        .iter()
        .filter(|resource| resource.kind == "aws_sqs_queue_redrive_policy")
        .filter_map(|resource| resource.body.get("queue_url"))
        .find(|url| url.str().is_some_and(|text| text.contains(&format!("aws_sqs_queue.{}.", queue.name))))
}

fn is_dead_letter(queue: &Resource, resources: &[Resource]) -> bool {
    let reference = format!("{}.{}.", queue.kind, queue.name);
    let named = resources.iter().filter(|other| other.name != queue.name).any(|other| {
        let mut found = false;
        other.body.walk(&mut |node| found |= node.str().is_some_and(|text| text.contains(&reference)));
        found && matches!(other.kind.as_str(), "aws_sqs_queue" | "aws_sqs_queue_redrive_policy" | "AWS::SQS::Queue")
    });
    let name = queue.name.to_ascii_lowercase();
    named || name.ends_with("dlq") || name.contains("dead_letter") || name.contains("deadletter")
}

fn is_broker(kind: &str) -> bool {
    matches!(kind, "kafka" | "rabbitmq" | "sqs" | "nats" | "pubsub" | "servicebus" | "activemq" | "pulsar" | "amqp")
}
