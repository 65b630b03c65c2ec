// SPDX-License-Identifier: Apache-2.0
// Which texts a model knows, and that none of them certifies.
#include <offramp/study/certifiable_texts.hpp>

#include <offramp/error.hpp>
#include <offramp/study/known_texts.hpp>

#include "model/model_files.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace certifiable_texts_test {

using namespace offramp::study;

dataset texts_of(const std::vector<std::string>& texts) {
  dataset data{"texts.txt", std::string(64, 'a'), {}};
  for (const std::string& text : texts) {
    data.texts.push_back({text, {}, no_label, data.texts.size() + 1});
  }
  return data;
}

dataset pairs_of(const std::vector<std::pair<std::string, std::string>>& pairs) {
  dataset data{"pairs.txt", std::string(64, 'a'), {}};
  for (const auto& [first, second] : pairs) {
    data.texts.push_back({first, second, no_label, data.texts.size() + 1});
  }
  return data;
}

std::uint64_t hash(const std::string& text) { return text_hash({text, {}, no_label, 1}); }
std::uint64_t hash(const std::string& first, const std::string& second) {
  return text_hash({first, second, no_label, 1});
}

// The formula of docs/model-format.md, by Python's unicodedata and hashlib.
TEST(TextHash, IsWhatTheFormatSays) {
  EXPECT_EQ(hash("A good film"), 0xf4bbe42a324ac339U);
  EXPECT_EQ(hash("Ein \uFB01lm \u00FCber \u65E5\u672C"), 0x76d7848640be4123U);
  EXPECT_EQ(hash("a", "bc"), 0xb4c620724d95022bU);
}

TEST(TextHash, CountsTextsAsOneThatDifferInNothingOfMeaning) {
  for (const char* same :
       {"a good film\r", " A  Good\tfilm \n", "a good\u00A0film", "a\u200B good film\uFEFF", "\uFF41 good film"}) {
    EXPECT_EQ(hash(same), hash("a good film")) << same;
  }
  EXPECT_EQ(hash("u\u0308ber"), hash("\u00FCber"));
  EXPECT_NE(hash("a good film"), hash("a good film."));
  EXPECT_NE(hash("a", "bc"), hash("ab", "c"));
  EXPECT_NE(hash("abc", ""), hash("abc"));
  EXPECT_EQ(first_text_hash({"A", "bc", no_label, 1}), hash("a"));
}

TEST(KnownTexts, AreTheSameAfterTheyWereStored) {
  const std::filesystem::path directory = std::filesystem::path(::testing::TempDir()) / "known-texts";
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  EXPECT_FALSE(known_texts::read(directory).has(text_use::learned));
  note_texts(directory, text_use::learned, texts_of({"a", "b", "A"}));
  note_texts(directory, text_use::certified, pairs_of({{"c", "d"}}));
  note_texts(directory, text_use::certified, pairs_of({{"C", "d"}, {"c", "e"}}));
  const known_texts known = known_texts::read(directory);
  EXPECT_TRUE(known.has(text_use::learned));
  EXPECT_FALSE(known.has(text_use::chosen));
  EXPECT_EQ(known.count(text_use::learned, hash("a")), 1U);
  EXPECT_EQ(known.count(text_use::learned, hash("c", "d")), 0U);
  EXPECT_EQ(known.count(text_use::certified, hash("c", "d")), 2U) << "as often as it was tested on";
  EXPECT_EQ(known.count(text_use::certified, hash("c", "e")), 1U);
  EXPECT_TRUE(known.has_first(text_use::certified, hash("c")));
  EXPECT_FALSE(known.has_first(text_use::learned, hash("a"))) << "no pair";
  known_texts other;
  other.add(text_use::learned, texts_of({"b", "a"}));
  other.add(text_use::certified, pairs_of({{"c", "e"}, {"c", "d"}}));
  other.add(text_use::certified, pairs_of({{"c", "d"}}));
  EXPECT_EQ(other.bytes(), known.bytes());
  std::filesystem::remove_all(directory);
}

TEST(KnownTexts, OfADamagedFileAreRefused) {
  const std::filesystem::path directory = std::filesystem::path(::testing::TempDir()) / "damaged-known-texts";
  std::filesystem::create_directories(directory);
  known_texts known;
  known.add(text_use::learned, texts_of({"a", "b"}));
  const std::string good = known.bytes();
  const auto refuse = [&](const std::string& from, const std::string& to, const std::string& what) {
    std::string damaged = good;
    damaged.replace(damaged.find(from), from.size(), to);
    std::ofstream(directory / "exits.texts.safetensors", std::ios::binary) << damaged;
    offramp_tests::expect_error(offramp::error_kind::bad_model, {"exits.texts.safetensors", what},
                                [&] { static_cast<void>(known_texts::read(directory)); });
  };
  refuse("learned", "laerned", "tensor \"laerned\" is unknown");
  refuse("U64", "F64", "no U64 tensor");
  refuse(good.substr(good.size() - 16), good.substr(good.size() - 8) + good.substr(good.size() - 16, 8), "ascend");
  std::filesystem::remove_all(directory);
}

TEST(CertifiableTexts, AreNewToTheModelAndDifferent) {
  known_texts known;
  known.add(text_use::learned, texts_of({"a"}));
  known.add(text_use::calibrated, texts_of({"b"}));
  const certifiable_texts all = select_certifiable(known, texts_of({"d", "c", "D", "d "}));
  ASSERT_EQ(all.texts.texts.size(), 2U);
  EXPECT_EQ(all.texts.texts[0].first, "d") << "in the order of the file";
  EXPECT_EQ(all.repeated, 2U);
  ASSERT_EQ(all.warnings.size(), 1U);
  EXPECT_NE(all.warnings.front().find("2 rows repeat a text"), std::string::npos);
  for (const char* text : {"a", "b"}) {
    offramp_tests::expect_error(offramp::error_kind::invalid_argument, {"texts.txt:2: ", "1 of the 3 here"}, [&] {
      static_cast<void>(select_certifiable(known, texts_of({"c", text, "d"})));
    });
  }
  known.add(text_use::chosen, texts_of({"c"}));
  const certifiable_texts rest =
      select_certifiable(known, texts_of({"d", "c", "B", "d"}), known_text_handling::leave_out);
  EXPECT_EQ(rest.texts.texts.size(), 1U);
  EXPECT_EQ(rest.left_out, 2U);
  EXPECT_EQ(rest.repeated, 1U);
  offramp_tests::expect_error(offramp::error_kind::invalid_argument, {"knows every text"}, [&] {
    static_cast<void>(select_certifiable(known, texts_of({"c"}), known_text_handling::leave_out));
  });
}

TEST(CertifiableTexts, WarnOfLooksAndOfWhatTheModelDoesNotSay) {
  known_texts known;
  EXPECT_NE(select_certifiable(known, texts_of({"c"})).warnings.at(0).find("does not say which texts"),
            std::string::npos);
  known.add(text_use::learned, texts_of({"a"}));
  known.add(text_use::calibrated, texts_of({"b"}));
  EXPECT_TRUE(select_certifiable(known, texts_of({"c"})).warnings.empty());
  known.add(text_use::certified, texts_of({"c", "d"}));
  known.add(text_use::certified, texts_of({"d", "e"}));
  EXPECT_EQ(select_certifiable(known, texts_of({"f"})).earlier_looks, 0U);
  EXPECT_EQ(select_certifiable(known, texts_of({"f", "c"})).earlier_looks, 1U);
  const certifiable_texts third = select_certifiable(known, texts_of({"f", "d"}));
  EXPECT_EQ(third.earlier_looks, 2U);
  EXPECT_NE(third.warnings.at(0).find("look 3 at these texts"), std::string::npos) << third.warnings.at(0);
}

TEST(CertifiableTexts, ReportPairsWhoseFirstTextIsKnown) {
  known_texts known;
  known.add(text_use::learned, pairs_of({{"a man", "runs"}}));
  known.add(text_use::calibrated, pairs_of({{"a dog", "runs"}}));
  const certifiable_texts found =
      select_certifiable(known, pairs_of({{"A man", "sleeps"}, {"a cat", "runs"}, {"a dog", "sleeps"}}));
  EXPECT_EQ(found.texts.texts.size(), 3U);
  EXPECT_EQ(found.shared_firsts, 2U);
  EXPECT_NE(found.warnings.at(0).find("2 texts have the first text of a pair"), std::string::npos);
  offramp_tests::expect_error(offramp::error_kind::invalid_argument, {"pairs.txt:1: "}, [&] {
    static_cast<void>(select_certifiable(known, pairs_of({{"a man", "Runs"}})));
  });
}

TEST(CertifiableTexts, ReportPairsThatShareTheirFirstText) {
  known_texts known;
  known.add(text_use::learned, texts_of({"a"}));
  known.add(text_use::calibrated, texts_of({"b"}));
  const auto select = [&](const dataset& data) { return select_certifiable(known, data); };
  const certifiable_texts found = select(
      pairs_of({{"a man", "runs"}, {"A man", "sleeps"}, {"a cat", "runs"}, {"a man", "runs"}, {"a man", "sits"}}));
  EXPECT_EQ(found.texts.texts.size(), 4U);
  EXPECT_EQ(found.repeated, 1U);
  EXPECT_EQ(found.repeated_firsts, 2U);
  EXPECT_NE(found.warnings.at(1).find("2 texts have the first text of an earlier pair"), std::string::npos);
  EXPECT_TRUE(select(pairs_of({{"a man", "runs"}, {"a cat", "runs"}})).warnings.empty());
  EXPECT_EQ(select(texts_of({"c", "d"})).repeated_firsts, 0U);
}

}  // namespace certifiable_texts_test
