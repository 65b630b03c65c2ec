// SPDX-License-Identifier: Apache-2.0
// What is checked of a sentencepiece model before the library sees it; needs no library.
#include "text/sentencepiece/models.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>
#include <string_view>

namespace sentencepiece_model_test {

using offramp::error;
using offramp::error_kind;
using offramp::text::sentencepiece_model;
using offramp::text::sentencepiece_model_reader;
using offramp::text::wire_writer;

sentencepiece_model read(std::string_view content) {
  return sentencepiece_model_reader(content, "spiece.model").read();
}

sentencepiece_model small() {
  using enum sentencepiece_model::piece_type;
  sentencepiece_model model;
  model.pieces = {{"<unk>", 0, unknown}, {"<s>", 0, control}, {"a", -1.5F, normal}};
  return model;
}

void expect_refusal(const std::string& content, const std::string& part, error_kind kind = error_kind::bad_model) {
  try {
    (void)read(content);
    ADD_FAILURE() << "accepted, expected: " << part;
  } catch (const error& failure) {
    EXPECT_EQ(failure.kind(), kind) << failure.what();
    EXPECT_NE(std::string(failure.what()).find(part), std::string::npos) << failure.what() << "\nexpected: " << part;
  }
}

void refuse(const std::function<void(sentencepiece_model&)>& edit, const std::string& part) {
  sentencepiece_model model = small();
  edit(model);
  expect_refusal(model.serialize(), part);
}

std::string message(const std::function<void(wire_writer&)>& write) {
  wire_writer writer;
  write(writer);
  return writer.message();
}

TEST(sentencepiece_model, is_read_as_it_is_written) {
  sentencepiece_model model = small();
  model.model_type = sentencepiece_model::algorithm::byte_pair;
  model.add_dummy_prefix = model.escape_whitespaces = false;
  model.precompiled_charsmap = corpus::read_data("charsmap.bin");
  const std::string written = model.serialize();
  EXPECT_EQ(read(written).serialize(), written);
  EXPECT_EQ(read(written).pieces[2].score, -1.5F);
}

TEST(sentencepiece_model, fields_that_say_nothing_about_encoding_are_passed_over) {
  const std::string more = message([](wire_writer& writer) {
    writer.bytes(4, "\xFF\xFF");
    writer.number(200, 7);
    writer.real(201, 1.0F);
    writer.bytes(4, "again");
  });
  EXPECT_EQ(read(small().serialize() + more).serialize(), small().serialize());
}

TEST(sentencepiece_model, pieces_must_make_sense) {
  using enum sentencepiece_model::piece_type;
  refuse([](auto& m) { m.pieces[2].text = ""; }, "without text");
  refuse([](auto& m) { m.pieces[2].text = "\xFF"; }, "is no UTF-8");
  refuse([](auto& m) { m.pieces[2].text = std::string("a\0b", 3); }, "is no UTF-8");
  refuse([](auto& m) { m.pieces[2].text = std::string(1025, 'a'); }, "a piece of 1025 bytes, expected at most 1024");
  refuse([](auto& m) { m.pieces[2].text = "<s>"; }, "second piece \"<s>\"");
  refuse([](auto& m) { m.pieces[2].score = std::numeric_limits<float>::quiet_NaN(); }, "is no score");
  refuse([](auto& m) { m.pieces[2].score = -std::numeric_limits<float>::infinity(); }, "is no score");
  refuse([](auto& m) { m.pieces[2].score = 2e20F; }, "is no score");
  refuse([](auto& m) { m.pieces[2].type = sentencepiece_model::piece_type{}; }, "is 0, expected 1 to 6");
  refuse([](auto& m) { m.pieces[2].type = sentencepiece_model::piece_type{7}; }, "is 7, expected 0 to 6");
  refuse([](auto& m) { m.pieces[2].type = control; }, "and 0 plain ones");
  refuse([](auto& m) { m.pieces[1].type = unknown; }, "has 2 unknown pieces");
  refuse([](auto& m) { m.pieces[0].type = control; }, "has 0 unknown pieces");
  refuse([](auto& m) { m.byte_fallback = true; }, "pieces for 0 bytes, expected 256");
  refuse([](auto& m) { m.pieces.push_back({"<0x41>", 0, byte}); }, "pieces for 1 bytes");
  refuse([](auto& m) { m.pieces.push_back({"<0x4g>", 0, byte}); }, "byte piece \"<0x4g>\"");
  refuse([](auto& m) { m.pieces.clear(); }, "has 0 unknown pieces");
  refuse([](auto& m) { m.precompiled_charsmap = "abcdef"; }, "the precompiled charsmap has a trie of");
}

TEST(sentencepiece_model, the_wire_format_is_checked) {
  const std::string whole = small().serialize();
  expect_refusal("", "has 0 unknown pieces");
  expect_refusal("\x80", "bytes are announced");
  expect_refusal(std::string(11, '\xFF'), "more than 64 bits");
  expect_refusal(std::string(2, '\0'), "field 0 is out of range");
  expect_refusal(whole + "\x0B", "wire type 3");
  expect_refusal(whole + message([](wire_writer& w) { w.number(1, 1); }), "field 1 is no bytes");
  expect_refusal(whole +
                     "\x22\x05"
                     "abc",
                 "5 bytes are announced, the message has 3");
  expect_refusal(whole + "\x22\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", "18446744073709551615 bytes are announced");
  expect_refusal(whole + message([](wire_writer& w) { w.bytes(2, ""); }), "field 2 stands twice");
  expect_refusal(whole + message([](wire_writer& w) { w.bytes(3, ""); }), "field 3 stands twice");
  const std::string twice = message([](wire_writer& w) {
    w.bytes(1, "x");
    w.bytes(1, "y");
  });
  expect_refusal(whole + message([&](wire_writer& w) { w.bytes(1, twice); }), "field 1 stands twice");
  const std::string words = message([](wire_writer& w) { w.number(3, 3); });
  expect_refusal(message([&](wire_writer& w) { w.bytes(2, words); }), "model_type is 3", error_kind::unsupported);
  EXPECT_NO_THROW((void)read(whole.substr(0, whole.size())));
}

TEST(sentencepiece_model, every_prefix_is_read_or_refused) {
  const std::string whole = corpus::sentencepiece_model("albert_cased").serialize().substr(0, 3000);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    try {
      EXPECT_GT(read(std::string_view(whole).substr(0, length)).pieces.size(), 4U);
    } catch (const error& failure) {
      EXPECT_EQ(failure.kind(), error_kind::bad_model);
    }
  }
}

}  // namespace sentencepiece_model_test
