// SPDX-License-Identifier: Apache-2.0
#include "study/exit_files.hpp"

#include <offramp/error.hpp>
#include <offramp/study/certifiable_texts.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <utility>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

namespace detail {
namespace {

constexpr std::array fitting_uses{text_use::learned, text_use::calibrated, text_use::chosen};

/// How many rows have a text that did something for the model, by use, and where the first stands.
struct known_rows {
  std::array<std::size_t, fitting_uses.size()> by_use{};
  std::size_t count = 0;
  std::size_t first_line = 0;
};

[[nodiscard]] known_rows find_known(const known_texts& known, const dataset& data) {
  known_rows found;
  for (const labelled_text& text : data.texts) {
    const std::uint64_t hash = text_hash(text);
    bool is_known = false;
    for (std::size_t use = 0; use < fitting_uses.size(); ++use) {
      const bool has_use = known.count(fitting_uses[use], hash) > 0;
      found.by_use[use] += has_use ? 1U : 0U;
      is_known = is_known || has_use;
    }
    if (is_known && found.count++ == 0) {
      found.first_line = text.line;
    }
  }
  return found;
}

[[noreturn]] void refuse_known(const known_rows& found, const dataset& data) {
  std::string uses;
  constexpr std::array<const char*, fitting_uses.size()> words{" trained exits", " fitted temperatures",
                                                               " chose thresholds"};
  for (std::size_t use = 0; use < fitting_uses.size(); ++use) {
    if (found.by_use[use] > 0) {
      uses += (uses.empty() ? "" : ", ") + std::to_string(found.by_use[use]) + words[use];
    }
  }
  throw error(error_kind::invalid_argument, data.name + ":" + std::to_string(found.first_line) +
                                                ": the model knows this text, and " + std::to_string(found.count) +
                                                " of the " + std::to_string(data.texts.size()) + " here (" + uses +
                                                "), expected texts that are new to it");
}

[[nodiscard]] bool is_known_pair(const known_texts& known, std::uint64_t first_hash) {
  return std::ranges::any_of(fitting_uses, [&](text_use use) { return known.has_first(use, first_hash); });
}

/// "1 text has", "2 texts have".
[[nodiscard]] std::string texts_have(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " text has" : " texts have");
}

void add_warnings(certifiable_texts& found, const known_texts& known) {
  const std::string& name = found.texts.name;
  if (found.repeated > 0) {
    found.warnings.push_back(name + ": " + std::to_string(found.repeated) +
                             " rows repeat a text and are left out: a copy is no further evidence");
  }
  if (found.left_out > 0) {
    found.warnings.push_back(name + ": " + std::to_string(found.left_out) +
                             " rows are left out, because the model knows their texts");
  }
  if (!known.has(text_use::learned) || !known.has(text_use::calibrated)) {
    found.warnings.push_back("the model does not say which texts trained and calibrated it (" +
                             std::string(known_texts_file) + "): make sure that none is in " + name);
  }
  if (found.shared_firsts > 0) {
    found.warnings.push_back(name + ": " + texts_have(found.shared_firsts) +
                             " the first text of a pair that fitted the model or chose: they are not quite new to it");
  }
  if (found.repeated_firsts > 0) {
    found.warnings.push_back(name + ": " + texts_have(found.repeated_firsts) +
                             " the first text of an earlier pair: they count as if they had been drawn independently, "
                             "which one pair of each first text would be");
  }
  if (found.earlier_looks > 0) {
    const std::string looks = std::to_string(found.earlier_looks + 1);
    found.warnings.push_back(name + ": look " + looks + " at these texts; all " + looks +
                             " results together are wrong with a probability of up to the sum of their deltas");
  }
}

}  // namespace
}  // namespace detail

std::size_t count_known(const known_texts& known, const dataset& data) { return detail::find_known(known, data).count; }

certifiable_texts select_certifiable(const known_texts& known, const dataset& data, known_text_handling handling) {
  const detail::known_rows found = detail::find_known(known, data);
  if (found.count > 0 && handling == known_text_handling::refuse) {
    detail::refuse_known(found, data);
  }
  certifiable_texts result{.texts = {data.name, data.sha256, {}}, .warnings = {}};
  std::set<std::uint64_t> seen;
  std::set<std::uint64_t> first_texts;
  for (const labelled_text& text : data.texts) {
    const std::uint64_t hash = text_hash(text);
    if (std::ranges::any_of(detail::fitting_uses, [&](text_use use) { return known.count(use, hash) > 0; })) {
      ++result.left_out;
      continue;
    }
    if (!seen.insert(hash).second) {
      ++result.repeated;
      continue;
    }
    result.earlier_looks = std::max(result.earlier_looks, known.count(text_use::certified, hash));
    if (text.second && detail::is_known_pair(known, first_text_hash(text))) {
      ++result.shared_firsts;
    }
    if (text.second && !first_texts.insert(first_text_hash(text)).second) {
      ++result.repeated_firsts;
    }
    result.texts.texts.push_back(text);
  }
  if (result.texts.texts.empty()) {
    throw error(error_kind::invalid_argument, data.name + ": the model knows every text, expected some new to it");
  }
  detail::add_warnings(result, known);
  return result;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
