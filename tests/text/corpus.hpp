// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/text/tokenizer.hpp>
#include <offramp/text/unicode/utf8.hpp>

#include <nlohmann/json.hpp>

#include <array>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The texts of tests/generators/tokenizer_goldens.py, generated in the same way.
namespace corpus {

struct code_range {
  char32_t first;
  char32_t last;
};

class generator {
 public:
  explicit generator(std::uint64_t seed) : state_(seed) {}

  std::string text() {
    static const std::array<std::string, 14> literals = {"[SEP]",
                                                         "[CLS]",
                                                         " [MASK] ",
                                                         "[UNK]",
                                                         "[sep]",
                                                         "[PAD]a",
                                                         "<l>",
                                                         " <r> ",
                                                         "<w>",
                                                         " <n>",
                                                         "\u00c9T\u00d6ILE",
                                                         "e\u0301to\u0308ile",
                                                         "<n><l>",
                                                         "##a"};
    static constexpr std::array<code_range, 21> scripts = {
        {{0x20, 0x7E},      {0x61, 0x66},       {0x09, 0x0D},       {0x00, 0x9F},       {0xA0, 0x17F},
         {0x300, 0x36F},    {0x370, 0x52F},     {0x591, 0x6FF},     {0x900, 0xE7F},     {0x1E00, 0x1FFF},
         {0x2000, 0x206F},  {0x302A, 0x30FF},   {0x4DF0, 0x4E0F},   {0xAC00, 0xD7A3},   {0xF8F0, 0xFB4F},
         {0xFE00, 0xFFFF},  {0x1D150, 0x1D1AF}, {0x1F600, 0x1F64F}, {0x2A6C0, 0x2B940}, {0x2F7F0, 0x2FA2F},
         {0x0000, 0x10FFFF}}};
    std::string result;
    std::uint64_t script = 0;
    const std::uint64_t length = 1 + below(60);
    for (std::uint64_t index = 0; index < length; ++index) {
      if (below(4) == 0) {
        script = below(scripts.size());
      }
      if (below(16) == 0) {
        result += literals[below(literals.size())];
      }
      if (below(6) == 0) {
        result += ' ';
      }
      const char32_t code_point = within(scripts[script]);
      if (code_point < 0xD800 || code_point > 0xDFFF) {
        offramp::text::append_utf8(result, code_point);
      }
    }
    return result;
  }

  std::string byte_string() {
    static constexpr std::array<code_range, 6> classes = {
        {{0x61, 0x66}, {0x80, 0xBF}, {0xC0, 0xDF}, {0xE0, 0xEF}, {0xF0, 0xFF}, {0x20, 0x20}}};
    std::string result;
    const std::uint64_t length = 1 + below(30);
    for (std::uint64_t index = 0; index < length; ++index) {
      result += static_cast<char>(within(classes[below(classes.size())]));
    }
    return result;
  }

 protected:
  std::uint64_t below(std::uint64_t limit) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return (state_ >> 33) % limit;
  }

  char32_t within(code_range range) {
    return range.first + static_cast<char32_t>(below(std::uint64_t{range.last} - range.first + 1));
  }

 private:
  std::uint64_t state_;
};

/// FNV-1a, 64 bits, over the little-endian bytes of each id and of an end mark.
class digest {
 public:
  void add(std::span<const std::int32_t> ids) {
    for (const std::int32_t id : ids) {
      add_number(static_cast<std::uint32_t>(id));
    }
    add_number(0xFFFFFFFFU);
  }

  [[nodiscard]] std::uint64_t value() const { return value_; }

 private:
  void add_number(std::uint32_t number) {
    for (int shift = 0; shift < 32; shift += 8) {
      value_ = (value_ ^ (number >> shift & 0xFFU)) * 0x100000001B3U;
    }
  }

  std::uint64_t value_ = 0xCBF29CE484222325U;
};

inline std::string read_data(const std::string& name) {
  std::ifstream stream(std::string(OFFRAMP_TEST_DATA) + "/text/" + name, std::ios::binary);
  if (!stream) {
    throw std::runtime_error("no test data " + name);
  }
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

/// Recorded digests by name.
inline std::map<std::string, std::uint64_t> read_goldens(const std::string& file) {
  std::map<std::string, std::uint64_t> table;
  std::ifstream stream(std::string(OFFRAMP_TEST_DATA) + "/text/" + file);
  std::string key;
  std::string value;
  while (stream >> key >> value) {
    table[key] = std::stoull(value, nullptr, 16);
  }
  return table;
}

/// The recorded digest of that name. Throws when there is none.
inline std::uint64_t golden(const std::string& name) {
  static const auto goldens = read_goldens("goldens.txt");
  return goldens.at(name);
}

/// Files in memory, by name.
class memory_files {
 public:
  explicit memory_files(std::map<std::string, std::string> contents) : contents_(std::move(contents)) {}

  [[nodiscard]] offramp::model::file_set set() const {
    std::vector<offramp::model::file_set::blob> blobs;
    for (const auto& [name, content] : contents_) {
      blobs.push_back({name, std::as_bytes(std::span(content))});
    }
    return offramp::model::file_set(std::move(blobs));
  }

 private:
  std::map<std::string, std::string> contents_;
};

inline offramp::text::tokenizer load(std::map<std::string, std::string> contents,
                                     offramp::text::pretokenizer kind = offramp::text::pretokenizer::bert) {
  const memory_files files(std::move(contents));
  return offramp::text::tokenizer::load(files.set(), kind);
}

/// A tokenizer.json for a vocabulary given as lines.
inline nlohmann::json document(const std::string& lines) {
  nlohmann::json result = {
      {"version", "1.0"},
      {"added_tokens", nlohmann::json::array()},
      {"normalizer",
       {{"type", "BertNormalizer"},
        {"clean_text", true},
        {"handle_chinese_chars", true},
        {"strip_accents", nullptr},
        {"lowercase", true}}},
      {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
      {"post_processor", {{"type", "BertProcessing"}, {"sep", {"[SEP]", 3}}, {"cls", {"[CLS]", 2}}}},
      {"model", {{"type", "WordPiece"}, {"unk_token", "[UNK]"}, {"vocab", nlohmann::json::object()}}}};
  std::int32_t id = 0;
  for (std::size_t start = 0; start < lines.size(); ++id) {
    const std::size_t end = lines.find('\n', start);
    const std::string piece = lines.substr(start, end - start);
    result["model"]["vocab"][piece] = id;
    if (id < 5) {
      result["added_tokens"].push_back({{"id", id}, {"content", piece}, {"special", true}, {"normalized", false}});
    }
    start = end + 1;
  }
  return result;
}

}  // namespace corpus
