// SPDX-License-Identifier: Apache-2.0
#include "study/data/text_identity.hpp"

#include <offramp/detail/floating_point.hpp>
#include <offramp/error.hpp>
#include <offramp/model/sha256.hpp>
#include <offramp/study/dataset.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

namespace detail {
namespace {

/// Where a hash lies among all, from 0 to 1.
[[nodiscard]] double place_of(std::string_view hash) {
  std::uint64_t leading = 0;
  std::from_chars(hash.data(), hash.data() + 13, leading, 16);  // 52 bits: exact in a double
  return static_cast<double>(leading) * 0x1p-52;
}

void check_shares(std::span<const double> shares) {
  constexpr double tolerance = 1e-9;
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  if (!std::ranges::all_of(shares, [](double share) { return share > 0.0; }) || !(std::abs(sum - 1.0) <= tolerance)) {
    throw error(error_kind::invalid_argument, "part_texts: the shares are not positive numbers that add up to 1");
  }
}

/// A text's hash, where that puts it and where it stands.
struct hashed_text {
  std::string hash;
  double place = 0;
  std::size_t index = 0;
};

/// By hash; of equal texts the first alone.
[[nodiscard]] std::vector<hashed_text> different_texts(const dataset& data, part_by what) {
  std::vector<hashed_text> all;
  for (const labelled_text& text : data.texts) {
    const std::string hash = text_digest(text);
    all.push_back({hash, place_of(what == part_by::first_text ? first_text_digest(text) : hash), all.size()});
  }
  std::ranges::stable_sort(all, {}, &hashed_text::hash);
  const auto is_copy = [](const hashed_text& one, const hashed_text& other) { return one.hash == other.hash; };
  all.erase(std::unique(all.begin(), all.end(), is_copy), all.end());
  return all;
}

}  // namespace
}  // namespace detail

std::vector<dataset> part_texts(const dataset& data, std::span<const double> shares, part_by what) {
  const offramp::detail::default_floating_point environment;
  detail::check_shares(shares);
  std::vector<dataset> parts(shares.size(), dataset{data.name, {}, {}});
  std::vector<std::string> hashes(shares.size());
  const std::vector<detail::hashed_text> texts = detail::different_texts(data, what);
  for (const detail::hashed_text& text : texts) {
    std::size_t part = 0;
    for (double end = shares[0]; part + 1 < shares.size() && text.place >= end; end += shares[part]) {
      ++part;
    }
    parts[part].texts.push_back(data.texts[text.index]);
    hashes[part] += text.hash;
  }
  for (std::size_t part = 0; part < parts.size(); ++part) {
    if (parts[part].texts.empty()) {
      throw error(error_kind::bad_data, data.name + ": has " + std::to_string(texts.size()) +
                                            (texts.size() == 1 ? " text" : " different texts") + ", too few for " +
                                            std::to_string(parts.size()) + " parts");
    }
    parts[part].sha256 = model::sha256_hex(hashes[part]);
  }
  return parts;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
