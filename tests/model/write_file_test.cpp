// SPDX-License-Identifier: Apache-2.0
#include <offramp/model/write_file.hpp>

#include <offramp/error.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace write_file_test {

namespace fs = std::filesystem;

class WriteFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = fs::path(::testing::TempDir()) / ("write-" + std::to_string(::getpid()));
    fs::create_directories(directory_);
  }
  void TearDown() override { fs::remove_all(directory_); }

  static std::string content(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  [[nodiscard]] std::ptrdiff_t count() const {
    return std::distance(fs::directory_iterator(directory_), fs::directory_iterator());
  }

  fs::path directory_;
};

TEST_F(WriteFileTest, Replaces) {
  const fs::path path = directory_ / "a";
  offramp::detail::write_file(path, "first");
  offramp::detail::write_file(path, std::string("se\0cond", 7));
  EXPECT_EQ(content(path), std::string("se\0cond", 7));
  EXPECT_EQ(count(), 1);
  EXPECT_NE(fs::status(path).permissions() & fs::perms::owner_read, fs::perms::none);
}

TEST_F(WriteFileTest, WithoutCommitNothingChanges) {
  const fs::path path = directory_ / "a";
  offramp::detail::write_file(path, "first");
  {
    offramp::detail::replacement_file file(path);
    file.write("half of");
    EXPECT_EQ(content(path), "first");
  }
  EXPECT_EQ(content(path), "first");
  EXPECT_EQ(count(), 1);
}

TEST_F(WriteFileTest, WhatIsKeptComesBack) {
  const fs::path path = directory_ / "a";
  offramp::detail::write_file(path, "first");
  {
    const offramp::detail::kept_file kept(path);
    offramp::detail::write_file(path, "second");
    kept.restore();
  }
  EXPECT_EQ(content(path), "first");
  EXPECT_EQ(count(), 1);
  {
    const offramp::detail::kept_file kept(path);
    offramp::detail::write_file(path, "third");
  }
  EXPECT_EQ(content(path), "third") << "nothing asked for the first";
  EXPECT_EQ(count(), 1);
}

TEST_F(WriteFileTest, WhatWasNotThereGoesAgain) {
  const fs::path path = directory_ / "a";
  const offramp::detail::kept_file kept(path);
  offramp::detail::write_file(path, "first");
  kept.restore();
  EXPECT_EQ(count(), 0);
}

TEST_F(WriteFileTest, FailureIsIo) {
  try {
    offramp::detail::write_file(directory_ / "missing" / "a", "x");
    FAIL();
  } catch (const offramp::error& problem) {
    EXPECT_EQ(problem.kind(), offramp::error_kind::io);
  }
  fs::create_directory(directory_ / "folder");
  EXPECT_THROW(offramp::detail::write_file(directory_ / "folder", "x"), offramp::error);
  EXPECT_EQ(count(), 1) << "no temporary file is left";
}

}  // namespace write_file_test
