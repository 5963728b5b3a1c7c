//! Review tasks, on their way to people by Kafka. A task begins an execution of its own: its mark goes in the headers of the message.

use std::time::Duration;

use linkloom_reporter::{Context, LinkMark, TRACEPARENT, inject_context, trace_node};
use rdkafka::ClientConfig;
use rdkafka::ClientContext;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer};
use serde_json::json;
use tokio::sync::oneshot;

use crate::content::Content;
use crate::trace;

/// The scene of reviews by people.
const SCENE: &str = "human-review";
/// How long messages may take that are on their way when the service ends.
const LAST: Duration = Duration::from_secs(2);

/// Why there is no task.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TaskError {
    #[error("the task was not taken by Kafka")]
    Kafka(#[from] KafkaError),
    #[error("nobody knows whether Kafka took the task")]
    Unknown,
}

/// Tells each message's sender what became of it.
struct Deliveries;

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<oneshot::Sender<Result<(i32, i64), KafkaError>>>;

    fn delivery(&self, result: &DeliveryResult<'_>, sender: Self::DeliveryOpaque) {
        use rdkafka::Message as _;
        let result = match result {
            Ok(message) => Ok((message.partition(), message.offset())),
            Err((error, _)) => Err(error.clone()),
        };
        // The sender may have gone.
        let _ = sender.send(result);
    }
}

/// Where tasks are put.
pub(crate) struct Tasks {
    producer: ThreadedProducer<Deliveries>,
    topic: String,
}

impl Tasks {
    /// Errors: librdkafka does not take the settings. A broker that is away is none: tasks fail then, one by one.
    pub(crate) fn new(brokers: &str, topic: &str, timeout: Duration) -> Result<Tasks, KafkaError> {
        let producer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("client.id", "content-api")
            .set("message.timeout.ms", timeout.as_millis().to_string())
            .set("acks", "all")
            .create_with_context(Deliveries)?;
        Ok(Tasks { producer, topic: topic.to_owned() })
    }

    /// The step `createReviewTask`: the id of the task, which is the execution id of the review.
    #[trace_node("createReviewTask", skip(content), output)]
    pub(crate) async fn create(&self, content: &Content, score: f64) -> Result<String, TaskError> {
        let task = format!("task-{:08x}", trace::random() >> 32);
        let review = Context::current().with_mark(LinkMark::new(&content.content_id, SCENE, &task));
        let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
        inject_context(&review, &mut headers);
        headers.extend(trace::traceparent().map(|trace| (TRACEPARENT.to_owned(), trace.into_bytes())));
        let headers = headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header { key, value: Some(value) })
        });

        let message = json!({"taskId": task, "contentId": content.content_id, "score": score}).to_string();
        let (sender, delivered) = oneshot::channel();
        let record = BaseRecord::with_opaque_to(&self.topic, Box::new(sender))
            .key(&task)
            .payload(&message)
            .headers(headers);
        self.producer.send(record).map_err(|(error, _)| error)?;
        let (partition, offset) = delivered.await.map_err(|_| TaskError::Unknown)??;
        tracing::info!(partition, offset, "{task} is in {}", self.topic);
        Ok(task)
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        if let Err(error) = self.producer.flush(LAST) {
            tracing::error!(error = &error as &dyn std::error::Error, "tasks may not have been sent");
        }
    }
}
