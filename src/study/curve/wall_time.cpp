// SPDX-License-Identifier: Apache-2.0
#include "latency.hpp"

#include <offramp/detail/floating_point.hpp>
#include <offramp/error.hpp>
#include <offramp/study/wall_time.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <random>
#include <string_view>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

namespace detail {
namespace {

/// An equally likely number below `end`; unlike the standard distributions the same on every standard library.
[[nodiscard]] std::size_t draw_below(std::mt19937_64& bits, std::size_t end) {
  const std::uint64_t limit = std::mt19937_64::max() - std::mt19937_64::max() % end;
  std::uint64_t drawn = bits();
  while (drawn >= limit) {
    drawn = bits();
  }
  return static_cast<std::size_t>(drawn % end);
}

void shuffle(std::vector<std::size_t>& values, std::mt19937_64& bits) {
  for (std::size_t left = values.size(); left > 1; --left) {
    std::swap(values[left - 1], values[draw_below(bits, left)]);
  }
}

[[nodiscard]] std::vector<std::size_t> numbers_below(std::size_t end) {
  std::vector<std::size_t> numbers(end);
  std::iota(numbers.begin(), numbers.end(), std::size_t{0});
  return numbers;
}

/// Classifies chosen texts of a data set and looks at the clock.
class stopwatch {
 public:
  stopwatch(const classifier& model, const dataset& data, std::span<const std::size_t> chosen, const runner& run)
      : model_(model), run_(run) {
    for (const std::size_t index : chosen) {
      const labelled_text& text = data.texts[index];
      if (text.second) {
        pairs_.push_back({text.first, *text.second});
      } else {
        singles_.emplace_back(text.first);
      }
    }
  }

  [[nodiscard]] std::size_t num_texts() const { return singles_.empty() ? pairs_.size() : singles_.size(); }

  [[nodiscard]] time_sample time_one(std::size_t index, const exit_policy& policy) const {
    return singles_.empty() ? time([&] { return model_.classify(pairs_[index], policy, run_); }, 1)
                            : time([&] { return model_.classify(singles_[index], policy, run_); }, 1);
  }

  [[nodiscard]] time_sample time_batch(std::size_t begin, std::size_t count, const exit_policy& policy) const {
    const auto time_part = [&](const auto& texts) {
      const auto part = std::span(texts).subspan(begin, count);
      return time([&] { return model_.classify_batch(part, policy, run_); }, count);
    };
    return singles_.empty() ? time_part(pairs_) : time_part(singles_);
  }

 private:
  template <class Call>
  [[nodiscard]] static time_sample time(const Call& call, std::size_t texts) {
    using clock = std::chrono::steady_clock;
    const clock::time_point start = clock::now();
    static_cast<void>(call());
    const std::chrono::duration<double, std::milli> taken = clock::now() - start;
    return {taken.count() / static_cast<double>(texts), texts};
  }

  const classifier& model_;
  const runner& run_;
  std::vector<std::string_view> singles_;
  std::vector<sentence_pair> pairs_;
};

}  // namespace
}  // namespace detail

std::vector<std::size_t> timed_texts(std::size_t num_texts, const timing_options& options) {
  std::mt19937_64 bits(options.seed);
  std::vector<std::size_t> chosen = detail::numbers_below(num_texts);
  detail::shuffle(chosen, bits);
  chosen.resize(std::min(num_texts, options.texts));
  std::ranges::sort(chosen);
  return chosen;
}

std::vector<wall_time> measure_wall_time(const classifier& model, const dataset& data,
                                         std::span<const exit_policy> policies, const timing_options& options,
                                         const runner& run, const progress& report) {
  const offramp::detail::default_floating_point environment;
  if (policies.empty() || options.rounds == 0 || options.batch == 0 || options.texts == 0) {
    throw error(error_kind::invalid_argument, "measure_wall_time: nothing to measure");
  }
  const detail::stopwatch watch(model, data, timed_texts(data.texts.size(), options), run);
  std::mt19937_64 bits(options.seed);
  std::vector<std::size_t> turns = detail::numbers_below(policies.size());
  std::vector<detail::time_samples> single(policies.size());
  std::vector<detail::time_samples> batched(policies.size());
  const std::size_t total = options.rounds * watch.num_texts();
  for (std::size_t round = 0; round <= options.rounds; ++round) {
    // Round 0 warms up, on the first batch alone, and leaves no sample.
    const std::size_t texts = round == 0 ? std::min(options.batch, watch.num_texts()) : watch.num_texts();
    for (std::size_t begin = 0; begin < texts; begin += options.batch) {
      const std::size_t count = std::min(options.batch, texts - begin);
      detail::shuffle(turns, bits);
      for (const std::size_t policy : turns) {
        batched[policy].push_back(watch.time_batch(begin, count, policies[policy]));
        for (std::size_t i = begin; i < begin + count; ++i) {
          single[policy].push_back(watch.time_one(i, policies[policy]));
        }
        if (round == 0) {
          batched[policy].clear();
          single[policy].clear();
        }
      }
      if (report && round > 0) {
        report((round - 1) * texts + begin + count, total);
      }
    }
  }
  std::vector<wall_time> times;
  for (std::size_t policy = 0; policy < policies.size(); ++policy) {
    times.push_back({detail::latency_of(single[policy], single.back(), options.rounds),
                     detail::latency_of(batched[policy], batched.back(), options.rounds)});
  }
  return times;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
