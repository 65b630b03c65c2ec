// SPDX-License-Identifier: Apache-2.0
#include <offramp/model/files.hpp>

#include "model/model_files.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <unistd.h>

namespace files_test {

namespace fs = std::filesystem;
using offramp::error_kind;
using offramp::model::file;
using offramp::model::file_set;
using offramp_tests::expect_error;
using offramp_tests::memory_file;

class Files : public ::testing::Test {
 protected:
  Files() { fs::create_directories(place_); }
  ~Files() override { fs::remove_all(place_); }

  void write(const std::string& name, const std::string& content) const { std::ofstream(place_ / name) << content; }

  fs::path place_ = fs::path(::testing::TempDir()) / ("files-" + std::to_string(::getpid()));
};

TEST_F(Files, AMissingNameIsNothing) {
  const file_set set(place_);
  EXPECT_FALSE(set.find("a"));
  expect_error(error_kind::io, {(place_ / "a").string(), "no such file"}, [&] { (void)set.open("a"); });
  EXPECT_FALSE(set.find("a/b"));
  write("a", "1");
  EXPECT_TRUE(set.find("a"));
  EXPECT_FALSE(set.find("a/b"));
}

TEST_F(Files, ANameTooLongIsNoMissingOne) {
  expect_error(error_kind::io, {"too long"}, [&] { (void)file_set(place_).find(std::string(300, 'a')); });
}

TEST_F(Files, EachIsOpenedOnce) {
  write("a", "first");
  const file_set set(place_);
  const file first = set.open("a");
  fs::remove(place_ / "a");
  write("a", "second");
  EXPECT_EQ(first.read_all(100), "first");
  EXPECT_EQ(set.open("a").read_all(100), "first");
  EXPECT_EQ(file_set(place_).open("a").read_all(100), "second");
}

TEST_F(Files, TheDirectoryStaysThoughItsNameIsAnothers) {
  fs::create_directory(place_ / "old");
  write("old/a", "old");
  fs::create_directory_symlink("old", place_ / "link");
  const file_set set(place_ / "link");
  fs::remove(place_ / "link");
  fs::create_directory(place_ / "link");
  write("link/a", "new");
  EXPECT_EQ(set.open("a").read_all(100), "old");
  EXPECT_EQ(set.open("a").name(), (place_ / "link/a").string());
}

TEST_F(Files, ThatShrinkAreIo) {
  write("a", std::string(100, 'a'));
  const file opened(place_ / "a");
  fs::resize_file(place_ / "a", 40);
  expect_error(error_kind::io, {"cannot be read at byte 40", "shorter"}, [&] { (void)opened.read_all(1000); });
}

TEST_F(Files, AreListedWithoutDirectories) {
  write("b", "");
  write("a", "");
  fs::create_directory(place_ / "c");
  fs::create_directory_symlink("c", place_ / "d");
  fs::create_symlink("nowhere", place_ / "e");
  const file_set set(place_);
  EXPECT_EQ(set.names(), (std::vector<std::string>{"a", "b", "e"}));
  EXPECT_EQ(set.names(), set.names());
}

TEST_F(Files, AreComparedByContent) {
  const std::string longer(200'000, 'a');
  std::string changed = longer;
  changed.back() = 'b';
  EXPECT_TRUE(memory_file("a", longer).has_content_of(memory_file("b", longer)));
  EXPECT_TRUE(memory_file("a", "").has_content_of(memory_file("b", "")));
  EXPECT_FALSE(memory_file("a", longer).has_content_of(memory_file("b", changed)));
  EXPECT_FALSE(memory_file("a", longer).has_content_of(memory_file("b", longer + "a")));
}

TEST_F(Files, WhatIsNoDirectoryIsRefused) {
  write("a", "");
  expect_error(error_kind::io, {"not a directory"}, [&] { const file_set set(place_ / "a"); });
  expect_error(error_kind::io, {"not a directory", "No such file"}, [&] { const file_set set(place_ / "b"); });
  fs::create_symlink("nowhere", place_ / "c");
  expect_error(error_kind::io, {"not a directory"}, [&] { const file_set set(place_ / "c"); });
}

}  // namespace files_test
