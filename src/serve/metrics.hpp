// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "served_model.hpp"
#include "text_queue.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace offramp_serve {

/// Counts what was asked and answered. Safe from any number of threads.
class metrics {
 public:
  void count_request(int status);
  void count_answers(const served_model& model, const answers& given);

  /// In Prometheus' text format, version 0.0.4.
  [[nodiscard]] std::string text(const model_registry& models, const text_queue& queue) const;

 private:
  struct model_counts {
    std::map<int, std::uint64_t> texts_by_layer;
    std::uint64_t failed_texts = 0;
    std::uint64_t requests = 0;
    double seconds_waited = 0.0;
  };

  mutable std::mutex mutex_;
  std::map<int, std::uint64_t> requests_by_status_;  // guarded by the mutex, as the next
  std::map<std::string, model_counts> models_;
};

}  // namespace offramp_serve
