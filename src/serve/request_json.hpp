// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "served_model.hpp"
#include "text_queue.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <stdexcept>
#include <string>

namespace offramp_serve {

/// A request that cannot be answered, and the HTTP status that says so.
class request_error : public std::runtime_error {
 public:
  request_error(int status, const std::string& message) : std::runtime_error(message), status_(status) {}
  [[nodiscard]] int status() const noexcept { return status_; }

 private:
  int status_;
};

/// What one request may hold.
struct request_limits {
  std::size_t texts = 256;
  std::size_t text_bytes = 1U << 20U;  ///< of one text; checked before it is tokenized
  double most_deadline_ms = 600'000.0;
};

/// Reads the body of POST /v1/classify:
///
///     {"text": "..."} or {"texts": ["...", ...]} or {"pairs": [["...", "..."], ...]}, and if wanted
///     "model": "name", "threshold": 0 to 1, "certified": epsilon or "full_depth": true, "max_layer": layer,
///     "deadline_ms": number, "exits": true
///
/// A tenth of the time until the deadline is left for the answer's way back. Throws request_error with 400 for what is
/// none of that or does not fit the model, 404 for an unknown model, 413 for what is too large.
[[nodiscard]] job read_request(const std::string& body, const model_registry& models, const request_limits& limits);

/// The answer:
///
///     {"model": "...", "policy": "confidence >= 0.9", "results": [{"label": "...", "score": 0.98,
///      "scores": {"label": score, ...}, "layer": 2, "stopped": "confident", "truncated": false}, ...]}
///
/// A text that has an error has {"error": {"kind": ..., "message": ...}} instead.
[[nodiscard]] nlohmann::ordered_json write_answers(const served_model& model, const answers& given);

/// What GET /v1/models says of one.
[[nodiscard]] nlohmann::ordered_json describe_model(const served_model& model);

/// One line, with U+FFFD for what is no UTF-8.
[[nodiscard]] std::string to_text(const nlohmann::ordered_json& value);

}  // namespace offramp_serve
