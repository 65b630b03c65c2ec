// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "text/corpus.hpp"

#include <offramp/error.hpp>
#include <offramp/text/tokenizer.hpp>

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <functional>
#include <map>
#include <string>

/// A small tokenizer in files, whole or damaged.
namespace tokenizer_files {

using nlohmann::json;
using offramp::error;
using offramp::error_kind;
using offramp::text::tokenizer;
using contents = std::map<std::string, std::string>;

inline const std::string vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n##b\n";

inline json valid() { return corpus::document(vocabulary); }

inline tokenizer load_json(const json& document) { return corpus::load({{"tokenizer.json", document.dump()}}); }

/// Loading must fail with `kind`, and the message must hold `part`.
inline void expect_refusal(const contents& files, error_kind kind, const std::string& part) {
  try {
    (void)corpus::load(files);
    ADD_FAILURE() << "accepted, expected: " << part;
  } catch (const error& failure) {
    EXPECT_EQ(failure.kind(), kind) << failure.what();
    EXPECT_NE(std::string(failure.what()).find(part), std::string::npos) << failure.what() << "\nexpected: " << part;
  }
}

inline void expect_json_refusal(const std::function<void(json&)>& change, error_kind kind, const std::string& part) {
  json document = valid();
  change(document);
  expect_refusal({{"tokenizer.json", document.dump()}}, kind, part);
}

}  // namespace tokenizer_files
