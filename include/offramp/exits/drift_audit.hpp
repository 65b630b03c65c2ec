// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/detail/binomial.hpp>
#include <offramp/detail/mix_bits.hpp>
#include <offramp/detail/number.hpp>
#include <offramp/drift_audit.hpp>
#include <offramp/error.hpp>
#include <offramp/study/binomial.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

namespace detail {

[[nodiscard]] inline std::uint64_t random_seed() {
  std::random_device random;
  return std::uint64_t{random()} << 32U | random();
}

/// The counts of one layer, which keep their order.
[[nodiscard]] inline layer_drift& counts_of(int layer, std::vector<layer_drift>& layers) {
  const auto found = std::ranges::lower_bound(layers, layer, {}, &layer_drift::layer);
  return found != layers.end() && found->layer == layer ? *found : *layers.insert(found, {.layer = layer});
}

}  // namespace detail

OFFRAMP_INLINE study::interval drift_counts::disagreement_once(double confidence) const {
  return study::clopper_pearson(disagreements, audited, confidence);
}

OFFRAMP_INLINE study::interval drift_counts::disagreement_at_any_time(double confidence) const {
  return study::confidence_sequence(disagreements, audited, confidence);
}

OFFRAMP_INLINE study::interval drift_counts::overall_disagreement_once(double confidence) const {
  return study::clopper_pearson(disagreements, sampled, confidence);
}

OFFRAMP_INLINE study::interval drift_counts::overall_disagreement_at_any_time(double confidence) const {
  return study::confidence_sequence(disagreements, sampled, confidence);
}

struct drift_audit::state {
  state(double audited_fraction, std::uint64_t chosen_seed) : fraction(audited_fraction), seed(chosen_seed) {}

  const double fraction;
  const std::uint64_t seed;
  std::atomic<std::uint64_t> next_number{0};
  std::mutex mutex;
  drift_counts counts;  // guarded by the mutex
};

OFFRAMP_INLINE drift_audit::drift_audit(double fraction, std::uint64_t seed)
    : state_(std::make_shared<state>(fraction, seed)) {
  if (!(fraction >= 0.0 && fraction <= 1.0)) {
    throw error(error_kind::invalid_argument,
                "drift_audit: fraction is " + offramp::detail::number_text(fraction) + ", expected 0 to 1");
  }
}

OFFRAMP_INLINE drift_audit::drift_audit(double fraction) : drift_audit(fraction, detail::random_seed()) {}

OFFRAMP_INLINE double drift_audit::fraction() const noexcept { return state_->fraction; }

OFFRAMP_INLINE std::uint64_t drift_audit::seed() const noexcept { return state_->seed; }

OFFRAMP_INLINE bool drift_audit::samples(std::uint64_t number) const noexcept {
  // Output `number` of SplitMix64, started from the mixed seed.
  constexpr std::uint64_t step = 0x9e3779b97f4a7c15U;
  const std::uint64_t random = detail::mix_bits(detail::mix_bits(state_->seed) + (number + 1) * step);
  constexpr double unit = 1.0 / (1ULL << 53U);
  return static_cast<double>(random >> 11U) * unit < state_->fraction;
}

OFFRAMP_INLINE drift_counts drift_audit::counts() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->counts;
}

OFFRAMP_INLINE std::uint64_t drift_audit::take_numbers(std::size_t texts) const noexcept {
  return state_->next_number.fetch_add(texts, std::memory_order_relaxed);
}

OFFRAMP_INLINE void drift_audit::count(std::span<const detail::drift_observation> texts) const {
  const std::scoped_lock lock(state_->mutex);
  drift_counts& counts = state_->counts;
  for (const detail::drift_observation& text : texts) {
    if (!text.is_answered) {
      continue;
    }
    ++counts.texts;
    counts.sampled += text.is_sampled ? 1 : 0;
    if (!text.is_early) {
      continue;
    }
    layer_drift& layer = detail::counts_of(text.layer, counts.layers);
    const int audited = text.is_sampled ? 1 : 0;
    const int disagreements = text.disagrees ? 1 : 0;
    ++counts.early_exits;
    counts.audited += audited;
    counts.disagreements += disagreements;
    ++layer.early_exits;
    layer.audited += audited;
    layer.disagreements += disagreements;
  }
}

OFFRAMP_INLINE void drift_audit::count_under_deadline(std::size_t texts) const {
  const std::scoped_lock lock(state_->mutex);
  state_->counts.under_deadline += static_cast<std::int64_t>(texts);
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE
