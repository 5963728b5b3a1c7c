//! The body of a request, whole, within bounds of size and time.

use std::io::Read;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use http::{HeaderMap, StatusCode, header};

use super::problem::{Problem, clip};
use super::representation::Coding;

/// Time for a client to send a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// Reads a body of at most `max` bytes, as it is sent and as it is decoded.
pub(super) async fn read(headers: &HeaderMap, body: Body, max: usize) -> Result<Vec<u8>, Problem> {
    let coding = coding(headers)?;
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|bytes: u64| bytes > max as u64) {
        return Err(too_long(max));
    }
    let read = tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, max));
    let bytes = match read.await {
        Err(_) => {
            let why = format!("the body was not sent within {} s", BODY_TIMEOUT.as_secs());
            return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, why));
        }
        // Either it is too long, or the client has gone, and then nobody reads this.
        Ok(Err(_)) => return Err(too_long(max)),
        Ok(Ok(bytes)) => bytes,
    };
    if coding == Coding::Identity {
        return Ok(bytes.into());
    }
    let decoded = tokio::task::spawn_blocking(move || decode(coding, &bytes, max));
    decoded.await.map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "decoding ended in a panic"))?
}

fn coding(headers: &HeaderMap) -> Result<Coding, Problem> {
    let Some(value) = headers.get(header::CONTENT_ENCODING) else { return Ok(Coding::Identity) };
    match value.to_str().unwrap_or("?").trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(Coding::Identity),
        "gzip" | "x-gzip" => Ok(Coding::Gzip),
        "zstd" => Ok(Coding::Zstd),
        other => {
            let detail = format!("content-encoding is {:?}; allowed is gzip, zstd, identity", clip(other));
            Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail))
        }
    }
}

fn too_long(max: usize) -> Problem {
    let detail = format!("the body is longer than {max} bytes; send it in several requests");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

fn decode(coding: Coding, bytes: &[u8], max: usize) -> Result<Vec<u8>, Problem> {
    let broken = |error: std::io::Error| {
        Problem::new(StatusCode::BAD_REQUEST, format!("the body does not decode: {error}"))
    };
    let mut decoded = Vec::new();
    let limit = max as u64 + 1;
    match coding {
        Coding::Identity => decoded.extend_from_slice(bytes),
        Coding::Gzip => {
            let decoder = flate2::read::MultiGzDecoder::new(bytes);
            decoder.take(limit).read_to_end(&mut decoded).map_err(broken)?;
        }
        Coding::Zstd => {
            let decoder = zstd::stream::read::Decoder::with_buffer(bytes).map_err(broken)?;
            decoder.take(limit).read_to_end(&mut decoded).map_err(broken)?;
        }
    }
    if decoded.len() > max { Err(too_long(max)) } else { Ok(decoded) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_grows_beyond_its_bound_is_refused() {
        let zeros = vec![0; 100_000];
        for coding in [Coding::Gzip, Coding::Zstd] {
            let (_, coded) = coding.encode(zeros.clone());
            assert!(coded.len() < 1_000);
            assert_eq!(decode(coding, &coded, 100_000).expect("it fits").len(), 100_000);
            assert_eq!(decode(coding, &coded, 99_999).expect_err("it does not").status, 413);
            assert_eq!(decode(coding, b"nonsense", 10).expect_err("it is none").status, 400);
            assert_eq!(
                decode(coding, &coded[..coded.len() - 9], 100_000).expect_err("it is cut").status,
                400
            );
        }
    }
}
