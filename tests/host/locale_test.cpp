// SPDX-License-Identifier: Apache-2.0
// Numbers are read and written in the same way whatever locale the process has chosen, in C and in C++.
#include "public_calls.hpp"

#include <offramp/drift_audit.hpp>
#include <offramp/study/pick.hpp>

#include <gtest/gtest.h>

#include <clocale>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <locale>
#include <map>
#include <string>

#include <unistd.h>

namespace {

namespace fs = std::filesystem;
using offramp_tests::public_call;
using offramp_tests::public_calls;

/// The source of a locale that differs from POSIX in how it writes numbers.
std::string locale_source(const std::string& decimal_point, const std::string& separator) {
  std::string source = "comment_char %\nescape_char /\n";
  for (const char* category : {"LC_CTYPE", "LC_COLLATE", "LC_MONETARY", "LC_TIME", "LC_MESSAGES"}) {
    source += std::string(category) + "\ncopy \"POSIX\"\nEND " + category + "\n";
  }
  return source + "LC_NUMERIC\ndecimal_point \"" + decimal_point + "\"\nthousands_sep \"" + separator +
         "\"\ngrouping 3\nEND LC_NUMERIC\n";
}

/// As std::locale("") would be where numbers are grouped by twos: "1'23,5".
struct odd_numbers : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '\''; }
  std::string do_grouping() const override { return "\2"; }
};

/// What the calls return and write, the directory's name left out.
std::map<std::string, std::string> everything() {
  const public_calls calls;
  std::map<std::string, std::string> found;
  for (const public_call& call : calls.loading()) {
    found[call.name] = call.run();
  }
  for (const public_call& call : calls.studying()) {
    static_cast<void>(call.run());
  }
  for (const auto& entry : fs::recursive_directory_iterator(calls.directory())) {
    if (entry.is_regular_file()) {
      found[entry.path().lexically_relative(calls.directory()).string()] = offramp_tests::read_file(entry.path());
    }
  }
  // What a model that was stored in this locale says in it.
  const auto stored =
      offramp::classifier::load(calls.directory() / "model", {.format = offramp::numeric_format::bfloat16});
  for (const offramp::exit_info& exit : stored.exits()) {
    found["temperatures"] += std::to_string(static_cast<int>(exit.temperature * 1e6F)) + ' ';
  }
  try {
    const offramp::drift_audit audit(1.5, 1);
  } catch (const offramp::error& problem) {
    found["message"] = problem.what();
  }
  found["goal"] = describe(offramp::study::parse_pick_goal("loss:12.5"));
  return found;
}

class Locales : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    places() = fs::path(::testing::TempDir()) / ("locales-" + std::to_string(::getpid()));
    fs::create_directories(places());
    make("comma", "<U002C>", "<U002E>");
    make("two_bytes", "<U066B>", "<U066C>");  // as in Pashto
    ::setenv("LOCPATH", places().c_str(), 1);
  }
  static void TearDownTestSuite() { fs::remove_all(places()); }
  void TearDown() override {
    std::setlocale(LC_ALL, "C");
    std::locale::global(std::locale::classic());
  }

  static fs::path& places() {
    static fs::path directory;
    return directory;
  }

  static void make(const std::string& name, const std::string& decimal_point, const std::string& separator) {
    const std::string target = (places() / name).string();
    std::ofstream(target + ".source") << locale_source(decimal_point, separator);
    // It warns of the categories that the source leaves out.
    const std::string command = "localedef -c -i '" + target + ".source' -f UTF-8 '" + target + "' >/dev/null 2>&1";
    static_cast<void>(std::system(command.c_str()));
  }

  static void expect_the_same(const std::map<std::string, std::string>& expected) {
    const auto found = everything();
    for (const auto& [name, content] : expected) {
      if (!name.starts_with("report")) {  // holds the directory's name
        EXPECT_EQ(found.at(name), content) << name;
      }
    }
    EXPECT_EQ(found.size(), expected.size());
  }
};

TEST_F(Locales, OfCChangeNothing) {
  const auto expected = everything();
  for (const char* name : {"comma", "two_bytes"}) {
    SCOPED_TRACE(name);
    if (std::setlocale(LC_ALL, name) == nullptr) {
      GTEST_SKIP() << "localedef or its sources (Debian's package locales) are missing";
    }
    ASSERT_EQ(std::to_string(0.5).find("0.5"), std::string::npos) << "the locale is in force";
    expect_the_same(expected);
  }
}

TEST_F(Locales, OfCppChangeNothing) {
  const auto expected = everything();
  std::locale::global(std::locale(std::locale::classic(), new odd_numbers));
  expect_the_same(expected);
}

}  // namespace
