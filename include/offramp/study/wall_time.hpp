// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/classifier.hpp>
#include <offramp/exit_policy.hpp>
#include <offramp/runner.hpp>
#include <offramp/study/compiled_target.hpp>
#include <offramp/study/dataset.hpp>
#include <offramp/study/progress.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// Where a measured number lies with a probability of 95 %, over texts of the kind and the moments of measuring.
struct time_interval {
  double lower = 0.0;
  double upper = std::numeric_limits<double>::infinity();
};

/// How many times faster than the reference, on the same texts and at the same time, so that what is common to both is
/// no noise: the ratio of the mean times.
struct time_speedup {
  double estimate = 1.0;
  time_interval likely = {};
};

/// Milliseconds per text. A percentile q is the smallest time that at least a share q of the samples do not exceed.
struct latency {
  double mean_ms = 0.0;
  double p50_ms = 0.0;
  double p95_ms = 0.0;
  double p99_ms = 0.0;
  time_interval mean_likely = {};  ///< Student's, the texts (or calls) being drawn, each in all of its rounds
  time_interval p95_likely = {};   ///< by order statistics
  time_speedup speedup = {};       ///< than the last of the policies that were measured together
};

/// Of one policy, from text to prediction, tokenization included.
struct wall_time {
  latency single;   ///< one call per text; a sample is one call
  latency batched;  ///< many texts per call; a sample is one call divided by its texts
};

/// How wall time is measured.
struct timing_options {
  std::size_t rounds = 3;   ///< times that every text is classified under every policy, both ways
  std::size_t batch = 32;   ///< texts per call in `batched`
  std::size_t texts = 500;  ///< at most so many, drawn from the data set without replacement
  std::uint64_t seed = 1;   ///< of the draw, and of the order of policies
};

/// Which texts measure_wall_time classifies: indices into the data set, ascending.
[[nodiscard]] OFFRAMP_API std::vector<std::size_t> timed_texts(std::size_t num_texts, const timing_options& options);

/// One entry per policy, in order; the last is what the others are compared with. The policies take turns on every few
/// texts, in a new order each time, so that whatever drifts on the machine (clock rate, neighbours, caches) hits all of
/// them alike. `run` lends threads to each call. Throws `invalid_argument` for no policies, and for no rounds, texts or
/// texts per call.
[[nodiscard]] OFFRAMP_API std::vector<wall_time> measure_wall_time(const classifier& model, const dataset& data,
                                                                   std::span<const exit_policy> policies,
                                                                   const timing_options& options,
                                                                   const runner& run = {}, const progress& report = {});

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
