// SPDX-License-Identifier: Apache-2.0
#include "study/data/text_identity.hpp"
#include "study/exit_files.hpp"

#include <offramp/detail/floating_point.hpp>
#include <offramp/error.hpp>
#include <offramp/model/files.hpp>
#include <offramp/model/safetensors.hpp>
#include <offramp/model/safetensors_writer.hpp>
#include <offramp/model/write_file.hpp>
#include <offramp/study/known_texts.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

namespace detail {
namespace {

constexpr std::array<std::string_view, 4> use_names{"learned", "calibrated", "chosen", "certified"};
constexpr std::string_view first_suffix = ".first";

[[nodiscard]] std::size_t index_of(text_use use) noexcept { return static_cast<std::size_t>(use); }

/// Ascending, each once.
void make_set(std::vector<std::uint64_t>& hashes) {
  std::ranges::sort(hashes);
  hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
}

/// The hashes of one tensor; none where the file lacks it. Moves its name out of `unread`.
[[nodiscard]] std::vector<std::uint64_t> read_hashes(const model::safetensors& tensors, const std::string& name,
                                                     std::set<std::string>& unread) {
  const model::tensor_info* const info = tensors.find(name);
  if (info == nullptr) {
    return {};
  }
  unread.erase(name);
  if (info->type != model::dtype::u64 || info->shape.size() != 1) {
    throw error(error_kind::bad_model,
                tensors.source().name() + ": tensor \"" + name + "\" is no U64 tensor of one dimension");
  }
  std::vector<std::uint64_t> hashes(info->num_elements);
  tensors.read(*info, 0, hashes);
  if (!std::ranges::is_sorted(hashes)) {
    throw error(error_kind::bad_model, tensors.source().name() + ": tensor \"" + name + "\" does not ascend");
  }
  return hashes;
}

}  // namespace
}  // namespace detail

std::uint64_t text_hash(const labelled_text& text) { return detail::leading_bits(detail::text_digest(text)); }

std::uint64_t first_text_hash(const labelled_text& text) {
  return detail::leading_bits(detail::first_text_digest(text));
}

bool known_texts::has(text_use use) const noexcept { return !uses_[detail::index_of(use)].texts.empty(); }

std::size_t known_texts::count(text_use use, std::uint64_t text_hash) const noexcept {
  const std::vector<std::uint64_t>& texts = uses_[detail::index_of(use)].texts;
  const auto [begin, end] = std::equal_range(texts.begin(), texts.end(), text_hash);
  return static_cast<std::size_t>(end - begin);
}

bool known_texts::has_first(text_use use, std::uint64_t first_text_hash) const noexcept {
  return std::ranges::binary_search(uses_[detail::index_of(use)].firsts, first_text_hash);
}

void known_texts::add(text_use use, const dataset& data) {
  hashes& all = uses_[detail::index_of(use)];
  std::vector<std::uint64_t> added;
  for (const labelled_text& text : data.texts) {
    added.push_back(text_hash(text));
    if (text.second) {
      all.firsts.push_back(first_text_hash(text));
    }
  }
  detail::make_set(added);
  detail::make_set(all.firsts);
  all.texts.insert(all.texts.end(), added.begin(), added.end());
  if (use == text_use::certified) {
    std::ranges::sort(all.texts);
  } else {
    detail::make_set(all.texts);
  }
}

known_texts known_texts::of(text_use use) const {
  const auto index = static_cast<std::size_t>(use);
  known_texts chosen;
  chosen.uses_[index] = uses_[index];
  return chosen;
}

std::string known_texts::bytes() const {
  std::vector<model::named_tensor> tensors;
  const auto append = [&](const std::string& name, const std::vector<std::uint64_t>& values) {
    if (!values.empty()) {
      tensors.push_back({.name = name, .shape = {values.size()}, .values = {}, .bytes = {}, .integers = values});
    }
  };
  for (std::size_t use = 0; use < uses_.size(); ++use) {
    const std::string name(detail::use_names[use]);
    append(name, uses_[use].texts);
    append(name + std::string(detail::first_suffix), uses_[use].firsts);
  }
  return model::write_safetensors(tensors);
}

known_texts known_texts::read(const std::filesystem::path& directory) {
  known_texts known;
  const model::file_set files(directory);
  const std::optional<model::file> source = files.find(detail::known_texts_file);
  if (!source) {
    return known;
  }
  const model::safetensors tensors(*source);
  const std::vector<std::string> names = tensors.names();
  std::set<std::string> unread(names.begin(), names.end());
  for (std::size_t use = 0; use < known.uses_.size(); ++use) {
    const std::string name(detail::use_names[use]);
    known.uses_[use].texts = detail::read_hashes(tensors, name, unread);
    known.uses_[use].firsts = detail::read_hashes(tensors, name + std::string(detail::first_suffix), unread);
  }
  if (!unread.empty()) {
    throw error(error_kind::bad_model, source->name() + ": tensor \"" + *unread.begin() + "\" is unknown");
  }
  return known;
}

void note_texts(const std::filesystem::path& directory, text_use use, const dataset& data) {
  known_texts known = known_texts::read(directory);
  known.add(use, data);
  offramp::detail::write_file(directory / detail::known_texts_file, known.bytes());
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
