// SPDX-License-Identifier: Apache-2.0
#include "encoder_saving.hpp"

#include <offramp/study/curve.hpp>
#include <offramp/study/pick.hpp>

#include <cstddef>
#include <utility>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

exit_logits without_first_exit(exit_logits logits) {
  const auto drop = [&](auto& values, std::size_t count) {
    values.erase(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.empty() ? 0 : count));
  };
  drop(logits.values, logits.num_texts * logits.num_labels);
  drop(logits.uncertainties, logits.num_texts);
  drop(logits.flops, logits.num_texts);
  logits.exits.erase(logits.exits.begin());
  return logits;
}

encoder_saving measure_saving(const exit_logits& logits, double most_loss) {
  const auto cheapest = [&](const exit_logits& of) {
    const curve found = compute_curve(of, {});
    return found.points[pick_loss(found, 100 * most_loss)];
  };
  const operating_point with = cheapest(logits);
  const operating_point without = cheapest(without_first_exit(logits));
  return {static_cast<double>(with.exits.front().texts) / static_cast<double>(with.texts), with.mean_layer,
          without.mean_layer, most_loss};
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
