// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/study/compiled_target.hpp>
#include <offramp/study/dataset.hpp>
#include <offramp/version.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

/// Which texts a model has met, so that none of them is taken for a new one. A model directory keeps them as hashes of
/// 8 bytes in `exits.texts.safetensors` (docs/model-format.md); loading a model does not read it.
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// What a text did for a model.
enum class text_use {
  learned,     ///< exits were fitted to it
  calibrated,  ///< temperatures were fitted to it, and heads chosen with it
  chosen,      ///< it chose a threshold, or how thresholds differ
  certified,   ///< a threshold was tested on it
};

/// What tells a text, or a pair, from others: texts that differ only in case, in white space, in characters that are
/// not seen or in how Unicode writes one character (NFKC) count as one. Among n hashes that a model knows and m others,
/// two are equal by chance with probability n * m / 2^64: below 1e-8 for 100,000 and 1,000,000.
[[nodiscard]] OFFRAMP_API std::uint64_t text_hash(const labelled_text& text);
/// That of the first text of a pair alone; of a single text as above.
[[nodiscard]] OFFRAMP_API std::uint64_t first_text_hash(const labelled_text& text);

/// The texts that a model knows, by use. A value; const members are safe from any number of threads.
class known_texts {
 public:
  /// Whether any text is noted for that use.
  [[nodiscard]] OFFRAMP_API bool has(text_use use) const noexcept;
  /// 1 where a text with that hash is noted, else 0; for `certified`, how many times it was.
  [[nodiscard]] OFFRAMP_API std::size_t count(text_use use, std::uint64_t text_hash) const noexcept;
  /// Whether a pair with that first text is noted.
  [[nodiscard]] OFFRAMP_API bool has_first(text_use use, std::uint64_t first_text_hash) const noexcept;

  /// Those of one use alone.
  [[nodiscard]] OFFRAMP_API known_texts of(text_use use) const;

  /// Notes every text of `data`; for `certified` once more, where it was noted before.
  OFFRAMP_API void add(text_use use, const dataset& data);

  /// The bytes of `exits.texts.safetensors`. The same texts give the same bytes, whatever their order.
  [[nodiscard]] OFFRAMP_API std::string bytes() const;

  /// Those of a model directory; none where the file is missing. Throws `io`, and `bad_model` for a file that
  /// docs/model-format.md does not allow.
  [[nodiscard]] OFFRAMP_API static known_texts read(const std::filesystem::path& directory);

 private:
  struct hashes {
    std::vector<std::uint64_t> texts;   // ascending
    std::vector<std::uint64_t> firsts;  // of pairs: ascending, each once
  };

  std::array<hashes, 4> uses_;  // [text_use]
};

/// Notes texts in a model directory: its file is read, added to and replaced whole. For one process at a time. Throws
/// as known_texts::read, and `io` where the file cannot be written.
OFFRAMP_API void note_texts(const std::filesystem::path& directory, text_use use, const dataset& data);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
