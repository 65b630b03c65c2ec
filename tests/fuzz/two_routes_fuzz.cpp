// SPDX-License-Identifier: Apache-2.0
// Any bytes as text, through two routes that must agree: vocab.txt with tokenizer_config.json, and the tokenizer.json
// that says the same.
#include <offramp/text/tokenizer.hpp>

#include "fuzz_models.hpp"

#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using offramp::text::tokenizer;

tokenizer load_file(const char* name, std::string_view content) {
  return tokenizer::load(
      offramp::model::file_set(std::vector<offramp::model::file_set::blob>{{name, std::as_bytes(std::span(content))}}),
      offramp::text::pretokenizer::bert);
}

/// tokenizer.json of an uncased BERT tokenizer with these pieces, which need no escapes.
std::string write_tokenizer_json(const std::string& vocabulary) {
  std::ostringstream json;
  json << R"({"added_tokens": [)";
  const char* comma = "";
  const char* specials[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  for (int id = 0; id < 5; ++id) {
    json << comma << R"({"id": )" << id << R"(, "content": ")" << specials[id]
         << R"(", "special": true, "normalized": false,)"
         << R"( "single_word": false, "lstrip": false, "rstrip": false})";
    comma = ",";
  }
  json
      << R"(], "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,)"
      << R"( "strip_accents": null, "lowercase": true}, "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor":)"
      << R"( {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}, "model": {"type": "WordPiece",)"
      << R"( "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": {)";
  std::istringstream lines(vocabulary);
  comma = "";
  int id = 0;
  for (std::string piece; std::getline(lines, piece); ++id) {
    json << comma << '"' << piece << R"(": )" << id;
    comma = ",";
  }
  json << "}}}";
  return json.str();
}

constexpr const char* vocabulary =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\n##a\n##b\n##c\nab\n##bc\n.\n,\n!\ne\n##"
    "e\n\xC3\xA9\n\xE4\xBA\xBA\n\xE1\x84\x80\n"
    "##\xE1\x85\xA1\nthe\nfilm\n##ing\n##s\n1\n##1";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const tokenizer from_lines = load_file("vocab.txt", vocabulary);
  static const tokenizer from_json = load_file("tokenizer.json", write_tokenizer_json(vocabulary));
  static offramp::text::encode_memory memory;
  const std::string_view text = offramp_fuzz::as_text(data, size);
  offramp_fuzz::require(from_lines.encode(text, 64, memory) == from_json.encode(text, 64),
                        "both routes give the same tokens");
  return 0;
}
