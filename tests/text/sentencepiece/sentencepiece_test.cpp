// SPDX-License-Identifier: Apache-2.0
// Tokenizers of sentencepiece models: those of transformers, and KoBERT's around the sentencepiece library, which the
// compiled library has where the build has it.
#include "text/sentencepiece/models.hpp"

#include <offramp/text/tokenizer.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

namespace sentencepiece_test {

using offramp::error;
using offramp::error_kind;
using offramp::text::tokenizer;

using ids = std::vector<std::int32_t>;
using contents = std::map<std::string, std::string>;

void expect_refusal(const contents& files, error_kind kind, const std::string& part) {
  try {
    (void)corpus::load(files);
    ADD_FAILURE() << "accepted, expected: " << part;
  } catch (const error& failure) {
    EXPECT_EQ(failure.kind(), kind) << failure.what();
    EXPECT_NE(std::string(failure.what()).find(part), std::string::npos) << failure.what() << "\nexpected: " << part;
  }
}

std::uint64_t golden(const std::string& name) {
  static const auto goldens = corpus::read_goldens("sentencepiece_goldens.txt");
  return goldens.at(name);
}

class sentencepiece : public testing::TestWithParam<std::string> {
 protected:
  tokenizer subject_ = corpus::load(corpus::sentencepiece_files(GetParam()));

  ids encode(const std::string& text) { return subject_.encode(text, 1000000).ids; }
};

TEST_P(sentencepiece, mixed_scripts) {
  corpus::subword_generator texts(2027);
  const int digests = GetParam().ends_with("_cased") || GetParam() == "kobert_bpe" ? 6 : 100;
  for (int index = 0; index < digests; ++index) {
    corpus::digest found;
    for (int text = 0; text < 512; ++text) {
      found.add(encode(texts.text()));
    }
    char key[64];
    std::snprintf(key, sizeof(key), "corpus/%s/%03d", GetParam().c_str(), index);
    EXPECT_EQ(found.value(), golden(key)) << key;
  }
}

TEST_P(sentencepiece, ill_formed_bytes) {
  corpus::subword_generator texts(7453);
  corpus::digest found;
  for (int text = 0; text < 512; ++text) {
    found.add(encode(texts.byte_string()));
  }
  EXPECT_EQ(found.value(), golden("ill_formed/" + GetParam()));
}

TEST_P(sentencepiece, texts_that_were_chosen) {
  corpus::digest found;
  for (const std::string text :
       {"3,3 12,5 3, 12,", "\u03a3\u0391\u03a3 \u03a3 \u0391\u03a3\u0301.\u03a3", "a [MASK] b <mask>  c", "<PAD> <pad>",
        "\x1c a\x1f"
        "b ",
        "", "   ", "\u1112\u1161\u11ab"}) {
    found.add(encode(text));
  }
  EXPECT_EQ(found.value(), golden("texts/" + GetParam()));
}

INSTANTIATE_TEST_SUITE_P(classes, sentencepiece, testing::Values("xlm_roberta", "albert", "albert_cased"),
                         [](const auto& parameter) { return parameter.param; });

TEST(sentencepiece_files, special_tokens_stand_around_texts) {
  const tokenizer roberta = corpus::load(corpus::sentencepiece_files("xlm_roberta"));
  EXPECT_EQ(roberta.encode("", 8).ids, (ids{0, 2}));
  EXPECT_EQ(roberta.encode(" <mask>", "<s></s>", 8).ids,
            (ids{0, static_cast<std::int32_t>(roberta.vocabulary_size()) - 1, 2, 2, 0, 2, 2}));
  EXPECT_EQ(roberta.piece(0), "<s>");
  EXPECT_EQ(roberta.piece(3), "<unk>");
  const tokenizer albert = corpus::load(corpus::sentencepiece_files("albert"));
  const offramp::encoding pair = albert.encode("[MASK]", "<unk>", 8);
  EXPECT_EQ(pair.ids, (ids{2, 4, 3, 1, 3}));
  EXPECT_EQ(pair.type_ids, (ids{0, 0, 0, 1, 1}));
}

TEST(sentencepiece_files, the_class_decides_among_several_models) {
  contents files = corpus::sentencepiece_files("xlm_roberta");
  files["spiece.model"] = corpus::sentencepiece_files("albert")["spiece.model"];
  EXPECT_EQ(corpus::load(files).encode("", 8).ids, (ids{0, 2}));
  files["config.json"] = R"({"model_type": "albert"})";
  EXPECT_EQ(corpus::load(files).encode("", 8).ids, (ids{2, 3}));
  files["tokenizer.model"] = files["sentencepiece.bpe.model"];
  expect_refusal(files, error_kind::bad_model, "tokenizer.model: has no piece \"[CLS]\"");
}

#if defined(OFFRAMP_TEST_SENTENCEPIECE)

INSTANTIATE_TEST_SUITE_P(kobert, sentencepiece, testing::Values("kobert", "kobert_lower", "kobert_cased", "kobert_bpe"),
                         [](const auto& parameter) { return parameter.param; });

TEST(sentencepiece_files, tokens_of_kobert_keep_their_ids) {
  contents files = corpus::sentencepiece_files("kobert");
  const auto with = [&](const std::string& decoder) {
    files["tokenizer_config.json"] =
        R"({"tokenizer_class": "KoBERTTokenizer", "added_tokens_decoder": )" + decoder + "}";
    return files;
  };
  const std::size_t size = corpus::load(files).vocabulary_size();
  const std::string next = std::to_string(size);
  const tokenizer subject = corpus::load(with(R"({")" + next + R"(": {"content": "<new>", "rstrip": true}})"));
  EXPECT_EQ(subject.encode("<new>  [MASK]", 9).ids, (ids{2, static_cast<std::int32_t>(size), 4, 3}));
  expect_refusal(with(R"({"3": {"content": "<new>"}})"), error_kind::bad_model, "added_tokens_decoder.3");
  expect_refusal(with(R"({"3": {"content": "[MASK]"}})"), error_kind::bad_model, "added_tokens_decoder.3");
  expect_refusal(with(R"({"x": {"content": "<new>"}})"), error_kind::bad_model, "added_tokens_decoder.x");
  files["tokenizer_config.json"] = R"({"tokenizer_class": "KoBERTTokenizer", "do_lower_case": true})";
  files["special_tokens_map.json"] = R"({"mask_token": {"content": "[PAD]", "rstrip": true}})";
  files["added_tokens.json"] = R"({"[SEP]": 3, "[MASK]": 4})";
  expect_refusal(files, error_kind::unsupported, "added_tokens.json.4 is no special token");
  files["added_tokens.json"] = R"({"[SEP]": 3})";
  EXPECT_EQ(corpus::load(files).encode("[PAD]  [SEP]", 9).ids, (ids{2, 1, 3, 3}));
  files["added_tokens.json"] = R"({"[SEP]": 4})";
  expect_refusal(files, error_kind::bad_model, "added_tokens.json.4: \"[SEP]\" has this id, expected 3 to 3");
}

TEST(sentencepiece_files, tokens_of_kobert_are_pieces) {
  contents files = corpus::sentencepiece_files("kobert");
  files["tokenizer_config.json"] = R"({"tokenizer_class": "KoBERTTokenizer", "unk_token": "<unk>"})";
  expect_refusal(files, error_kind::bad_model, "has no piece \"<unk>\"");
}

TEST(sentencepiece_files, changed_bytes_never_do_more_than_throw) {
  // A small model, so that changes hit its structure, and a real set of rules.
  auto small = corpus::sentencepiece_model("kobert");
  small.pieces.resize(40);
  auto ruled = small;
  small.precompiled_charsmap.clear();
  std::uint64_t state = 17;
  const auto below = [&state](std::uint64_t limit) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return (state >> 33) % limit;
  };
  for (const std::string& whole : {small.serialize(), ruled.serialize()}) {
    for (int round = 0; round < (whole.size() < 10000 ? 3000 : 150); ++round) {
      std::string changed = whole;
      const std::uint64_t kind = below(3);
      for (std::uint64_t index = 0; index < 1 + below(4); ++index) {
        const std::size_t position = below(changed.size());
        if (kind == 0) {
          changed[position] = static_cast<char>(below(256));
        } else if (kind == 1) {
          changed.insert(position, changed.substr(below(changed.size()), below(64)));
        } else {
          changed.erase(position, below(64));
        }
      }
      try {
        const tokenizer accepted = corpus::load(
            {{"spiece.model", changed}, {"tokenizer_config.json", R"({"tokenizer_class": "KoBERTTokenizer"})"}});
        const std::string text("Ka to\0 \uac00\u1100\u1161 \uff76\uff9e \ufdfa x,3, \xFF [MASK]", 41);
        EXPECT_GE(accepted.encode(text, 1000).ids.size(), 2U);
      } catch (const error& failure) {
        EXPECT_NE(failure.kind(), error_kind::io) << failure.what();
      }
    }
  }
}

#else

TEST(sentencepiece_files, a_build_without_the_library_names_the_option) {
  expect_refusal(corpus::sentencepiece_files("kobert"), error_kind::unsupported, "-DOFFRAMP_SENTENCEPIECE=ON");
}

#endif

TEST(sentencepiece_files, settings_that_are_not_offered_are_named) {
  contents files = corpus::sentencepiece_files("kobert");
  const auto refuse = [&](const std::string& settings, const std::string& part) {
    files["tokenizer_config.json"] = settings;
    expect_refusal(files, error_kind::unsupported, part);
  };
  refuse("{}", "tokenizer_class names none of the classes that read spiece.model");
  refuse(R"({"tokenizer_class": "BertTokenizer"})",
         "AlbertTokenizer, CamembertTokenizer, DebertaV2Tokenizer, XLMRobertaTokenizer and");
  refuse(R"({"tokenizer_class": "T5Tokenizer"})", "tokenizer_class is \"T5Tokenizer\"");
  refuse(R"({"tokenizer_class": "XLMRobertaTokenizer", "pad_token": null})", "pad_token is null");
  refuse(R"({"tokenizer_class": "KoBERTTokenizer", "sp_model_kwargs": {"enable_sampling": true}})", "sp_model_kwargs");
  refuse(R"({"tokenizer_class": "KoBERTTokenizer", "additional_special_tokens": ["<x>"]})",
         "additional_special_tokens has \"<x>\"");
  refuse(R"({"tokenizer_class": "KoBERTTokenizer", "mask_token": {"content": "[MASK]", "single_word": true}})",
         "mask_token.single_word");
}

}  // namespace sentencepiece_test
