// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

/// What calls did. Times are summed over the threads that ran batches or parts of them; threads that helped with the
/// layers of one count once.
struct call_statistics {
  std::int64_t texts = 0;                   ///< that left the encoder, whether with an answer or without
  std::int64_t tokens = 0;                  ///< of these, special tokens included
  std::int64_t token_layers = 0;            ///< tokens times the encoder layers that they entered
  std::chrono::nanoseconds tokenizing{0};   ///< from text to token ids
  std::chrono::nanoseconds encoding{0};     ///< embeddings, encoder layers, and callbacks as texts leave
  std::chrono::nanoseconds classifying{0};  ///< at the exits: pooling, heads and the rule

  bool operator==(const call_statistics&) const = default;
};

/// Measures the calls of the policies that hold it:
///
///     const offramp::call_meter meter;
///     const auto p = model.classify(text, offramp::exit_policy(0.9F).metered_by(meter));
///     std::cout << meter.statistics().token_layers << '\n';
///
/// A handle: copies share one sum, and a policy holds such a copy. Every member is safe from any number of threads at
/// once; what a call did is added while it runs. Calls without a meter read no clock for it.
class call_meter {
 public:
  call_meter() : state_(std::make_shared<state>()) {}
  call_meter(const call_meter&) = default;
  call_meter& operator=(const call_meter&) = default;
  ~call_meter() = default;

  /// The sum of the calls so far.
  [[nodiscard]] call_statistics statistics() const {
    const std::scoped_lock lock(state_->mutex);
    return state_->sum;
  }

  /// Whether both share one sum.
  bool operator==(const call_meter&) const = default;

 private:
  friend class classifier;

  struct state {
    std::mutex mutex;
    call_statistics sum;  // guarded by the mutex
  };

  void add(const call_statistics& more) const {
    const std::scoped_lock lock(state_->mutex);
    call_statistics& sum = state_->sum;
    sum.texts += more.texts;
    sum.tokens += more.tokens;
    sum.token_layers += more.token_layers;
    sum.tokenizing += more.tokenizing;
    sum.encoding += more.encoding;
    sum.classifying += more.classifying;
  }

  std::shared_ptr<state> state_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE
