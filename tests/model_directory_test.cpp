// SPDX-License-Identifier: Apache-2.0
// A model's directory in odd states: files that are there and cannot be read are errors, never absent, and a load reads
// one directory, whatever happens to the path that led there.
#include "model/model_files.hpp"
#include "model_in_memory.hpp"

#include <offramp/offramp.hpp>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace model_directory_test {

namespace fs = std::filesystem;
using offramp::classifier;
using offramp::error_kind;
using offramp_tests::expect_error;

class ModelDirectory : public ::testing::Test {
 protected:
  ModelDirectory() { fs::create_directories(place_); }
  ~ModelDirectory() override { fs::remove_all(place_); }

  /// A fresh copy of a tiny model.
  fs::path copy(const std::string& model, const std::string& name) const {
    fs::remove_all(place_ / name);
    fs::copy(offramp_tests::tiny_directory(model), place_ / name);
    return place_ / name;
  }

  /// Each file of the model is replaced in turn, which loading refuses by its name.
  void expect_refusals(const std::string& reason, const std::function<void(const fs::path&)>& make) const {
    for (const char* name : {"config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors",
                             "exits.json", "exits.safetensors"}) {
      SCOPED_TRACE(name);
      const fs::path model = copy("tiny", "model");
      ASSERT_TRUE(fs::remove(model / name));
      make(model / name);
      expect_error(error_kind::io, {(model / name).string(), reason}, [&] { (void)classifier::load(model); });
    }
  }

  fs::path place_ = fs::path(::testing::TempDir()) / ("model-directory-" + std::to_string(::getpid()));
};

TEST_F(ModelDirectory, LinksThatLeadNowhereAreNotAbsentFiles) {
  expect_refusals("No such file", [](const fs::path& file) { fs::create_symlink("nowhere", file); });
  const fs::path model = copy("tiny", "model");
  for (const char* name : {"exits.json", "exits.safetensors"}) {
    fs::remove(model / name);
    fs::create_symlink("nowhere", model / name);
  }
  expect_error(error_kind::io, {"exits."}, [&] { (void)classifier::load(model); });
}

TEST_F(ModelDirectory, LinksInACircleAreNotAbsentFiles) {
  expect_refusals("symbolic links", [](const fs::path& file) { fs::create_symlink(file.filename(), file); });
}

TEST_F(ModelDirectory, WhatIsNoRegularFileIsRefusedWithoutWaiting) {
  expect_refusals("not a regular file", [](const fs::path& file) { ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0); });
  expect_refusals("not a regular file", [](const fs::path& file) { fs::create_directory(file); });
  expect_refusals("not a regular file", [](const fs::path& file) { fs::create_symlink("/dev/zero", file); });
  expect_refusals("not a regular file", [](const fs::path& file) {
    const fs::path before = fs::current_path();
    fs::current_path(file.parent_path());  // the name of a socket is short
    ::sockaddr_un address{};
    address.sun_family = AF_UNIX;
    file.filename().string().copy(address.sun_path, sizeof address.sun_path - 1);
    const int server = ::socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT_EQ(::bind(server, reinterpret_cast<const ::sockaddr*>(&address), sizeof address), 0);
    ::close(server);
    fs::current_path(before);
  });
}

TEST_F(ModelDirectory, LinksToFilesAndDirectoriesAreFollowed) {
  const fs::path model = copy("tiny", "model");
  fs::create_directory(place_ / "linked");
  for (const auto& entry : fs::directory_iterator(model)) {
    fs::create_symlink(entry.path(), place_ / "linked" / entry.path().filename());
  }
  fs::create_directory_symlink(place_ / "linked", place_ / "link");
  EXPECT_EQ(classifier::load(place_ / "link").classify("a good film"), classifier::load(model).classify("a good film"));
}

/// As another release of the same model might be: all that is read fits, and all of it differs.
void change(const fs::path& model) {
  std::string weights = offramp_tests::read_file(model / "model.safetensors");
  for (std::size_t place = weights.size() / 2 / 4 * 4; place < weights.size(); place += 4) {
    weights[place] = static_cast<char>(weights[place] ^ 1);  // the last bit of a float32
  }
  std::ofstream(model / "model.safetensors", std::ios::binary) << weights;
  auto exits = nlohmann::json::parse(offramp_tests::read_file(model / "exits.json"));
  exits["max_tokens"] = 12;
  std::ofstream(model / "exits.json") << exits;
}

struct seen {
  int max_tokens = 0;
  std::vector<offramp::exit_output> outputs;

  explicit seen(const classifier& model)
      : max_tokens(model.max_tokens()), outputs(model.classify_every_exit("a good film")) {}
  bool operator==(const seen&) const = default;
};

TEST_F(ModelDirectory, ALoadReadsOneReleaseThoughTheLinkToItMoves) {
  change(copy("tiny", "b"));
  const seen a(classifier::load(copy("tiny", "a")));
  const seen b(classifier::load(place_ / "b"));
  ASSERT_NE(a.max_tokens, b.max_tokens);
  ASSERT_NE(a.outputs, b.outputs);
  fs::create_directory_symlink("a", place_ / "current");
  std::atomic<bool> is_done{false};
  std::thread releases([&] {
    for (std::size_t round = 0; !is_done; ++round) {
      fs::create_directory_symlink(round % 2 == 0 ? "b" : "a", place_ / "next");
      fs::rename(place_ / "next", place_ / "current");
    }
  });
  std::size_t mixed = 0;
  for (int round = 0; round < 100; ++round) {
    const seen found(classifier::load(place_ / "current"));
    mixed += found == a || found == b ? 0U : 1U;
  }
  is_done = true;
  releases.join();
  EXPECT_EQ(mixed, 0U);
}

}  // namespace model_directory_test
