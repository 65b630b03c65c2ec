// SPDX-License-Identifier: Apache-2.0
// Where the command takes its texts from, and how it cuts them into lines.
#include "input_lines.hpp"
#include "line_reader.hpp"
#include "process.hpp"
#include "tsv_output.hpp"

#include <offramp/offramp.hpp>

#include <array>
#include <sstream>
#include <string_view>
#include <thread>

namespace cli_input_test {

using namespace offramp_tests;
using offramp::input_kind;
using offramp_cli::line_reader;
using offramp_cli::split_line;

std::vector<std::string> all_lines(const std::string& content) {
  const scratch_file file(content);
  line_reader reader(file.descriptor(), "test");
  std::vector<std::string> lines;
  while (const auto line = reader.next()) {
    lines.push_back(*line);
  }
  return lines;
}

using strings = std::vector<std::string>;

TEST(lines, end_at_a_line_feed_with_one_carriage_return_before_it) {
  EXPECT_EQ(all_lines(""), strings());
  EXPECT_EQ(all_lines("\n"), (strings{""}));
  EXPECT_EQ(all_lines("a"), (strings{"a"}));
  EXPECT_EQ(all_lines("a\n\nb\n"), (strings{"a", "", "b"}));
  EXPECT_EQ(all_lines("a\r\nb\r\r\nc"), (strings{"a", "b\r", "c"}));
  EXPECT_EQ(all_lines("a\rb\n"), (strings{"a\rb"}));
  EXPECT_EQ(all_lines("\r\n\r"), (strings{"", "\r"}));
  EXPECT_EQ(all_lines(std::string("a\0b\n\xff\n", 6)), (strings{std::string("a\0b", 3), "\xff"}));
}

TEST(lines, are_there_as_soon_as_they_have_arrived) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  line_reader reader(ends[0], "test");
  const auto say = [&](std::string_view text) {
    ASSERT_EQ(write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  };
  EXPECT_FALSE(reader.has_arrived());
  say("a");
  EXPECT_FALSE(reader.has_arrived());
  say("b\n\nc");
  EXPECT_TRUE(reader.has_arrived());
  EXPECT_EQ(reader.next(), "ab");
  EXPECT_TRUE(reader.has_arrived());
  EXPECT_EQ(reader.next(), "");
  EXPECT_FALSE(reader.has_arrived());
  close(ends[1]);
  EXPECT_TRUE(reader.has_arrived());
  EXPECT_EQ(reader.next(), "c");
  EXPECT_TRUE(reader.has_arrived());
  EXPECT_EQ(reader.next(), std::nullopt);
  close(ends[0]);
}

TEST(lines, are_waited_for_where_reading_does_not_block) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_NONBLOCK), 0);
  line_reader reader(ends[0], "test");
  EXPECT_FALSE(reader.has_arrived());
  std::thread writer([&] { EXPECT_EQ(write(ends[1], "a\n", 2), 2); });
  EXPECT_EQ(reader.next(), "a");
  writer.join();
  close(ends[1]);
  EXPECT_EQ(reader.next(), std::nullopt);
  close(ends[0]);
}

TEST(tsv_field, has_no_tab_and_no_line_end) {
  EXPECT_EQ(offramp_cli::tsv_field("very good"), "very good");
  EXPECT_EQ(offramp_cli::tsv_field("a\tb\nc\rd\\t"), "a\\tb\\nc\\rd\\\\t");
}

TEST(lines, of_pairs_are_split_at_the_first_tab) {
  using offramp_cli::input_text;
  EXPECT_EQ(split_line("a\tb\tc", input_kind::pair, ""), (input_text{"a", "b\tc"}));
  EXPECT_EQ(split_line("\t", input_kind::pair, ""), (input_text{"", ""}));
  EXPECT_EQ(split_line("a\tb", input_kind::single, ""), (input_text{"a\tb", {}}));
  EXPECT_THROW(split_line("a b", input_kind::pair, "line 1"), std::runtime_error);
}

/// What `offramp tokenize` is to write for these texts.
std::string tokens_of(const offramp::classifier& model, const strings& texts) {
  std::ostringstream out;
  for (const std::string& text : texts) {
    const std::size_t tab = text.find('\t');
    const bool is_pair = model.expected_input() == input_kind::pair;
    const offramp::encoding tokens =
        is_pair ? model.tokenize(offramp::sentence_pair{text.substr(0, tab), text.substr(tab + 1)})
                : model.tokenize(text);
    std::string separator;
    for (const auto id : tokens.ids) {
      out << std::exchange(separator, " ") << id;
    }
    out << '\t';
    separator = "";
    for (std::size_t i = 0; i < tokens.ids.size(); ++i) {
      out << std::exchange(separator, " ") << (tokens.type_ids.empty() ? 0 : tokens.type_ids[i]);
    }
    out << '\t';
    separator = "";
    for (const auto id : tokens.ids) {
      out << std::exchange(separator, " ") << model.piece(id);
    }
    out << '\n';
  }
  return out.str();
}

struct source {
  const char* name;
  std::string model;
  arguments given;
  std::string input;
  strings texts;
};

void PrintTo(const source& s, std::ostream* out) { *out << s.name; }

class sources : public testing::TestWithParam<source> {};

TEST_P(sources, hand_out_the_texts) {
  const source& s = GetParam();
  arguments given = {"tokenize", "--model", tiny(s.model)};
  given.insert(given.end(), s.given.begin(), s.given.end());
  const process_result found = run_offramp(given, s.input);
  EXPECT_EQ(found.status, 0);
  EXPECT_EQ(found.out, tokens_of(offramp::classifier::load(tiny(s.model)), s.texts));
  EXPECT_EQ(found.err, "");
}

std::string long_text() {
  std::string text;
  while (text.size() < 1'000'000) {
    text += "a good dog ";
  }
  return text;
}

INSTANTIATE_TEST_SUITE_P(
    all, sources,
    testing::Values(
        source{"standard_input", "tiny", {}, "a\nb\n", {"a", "b"}}, source{"nothing", "tiny", {}, "", {}},
        source{"empty_lines", "tiny", {}, "\na\n\n", {"", "a", ""}},
        source{"no_last_line_feed", "tiny", {}, "a\nb", {"a", "b"}},
        source{"tab_in_a_single_text", "tiny", {}, "a\tb\n", {"a\tb"}},
        source{"more_than_a_chunk",
               "tiny",
               {},
               long_text() + "\n" + std::string(600, '\n') + "b",
               [] {
                 strings texts = {long_text()};
                 texts.resize(601);
                 texts.emplace_back("b");
                 return texts;
               }()},
        source{"ill_formed",
               "tiny",
               {},
               std::string("a\xff\xc3 b\n\0c\xed\xa0\x80\n", 11),
               {"a\xff\xc3 b", std::string("\0c\xed\xa0\x80", 5)}},
        source{"one_argument", "tiny", {"a"}, "not read", {"a"}},
        source{"many_arguments", "tiny", {"a", "", "b c", "a"}, "", {"a", "", "b c", "a"}},
        source{"brackets",
               "tiny",
               {"[a,b]", "{}", "[]", "a,b", "%%", "[[a],b]"},
               "",
               {"[a,b]", "{}", "[]", "a,b", "%%", "[[a],b]"}},
        source{"names_of_commands", "tiny", {"inspect", "tokenize"}, "", {"inspect", "tokenize"}},
        source{
            "dashes", "tiny", {"a", "--", "-b", "--json", "--", "-", "++"}, "", {"a", "-b", "--json", "--", "-", "++"}},
        source{"pairs", "tiny-pair", {}, "a\tb\nc\td\te\n\t\n", {"a\tb", "c\td\te", "\t"}},
        source{"pair_as_argument", "tiny-pair", {"a\tb", "\tb"}, "", {"a\tb", "\tb"}},
        source{"no_input_kind_stated", "tiny-plain", {}, "a\tb\n", {"a\tb"}}),
    [](const auto& test) { return test.param.name; });

TEST(sources, are_files_too) {
  const scratch_directory directory;
  for (const std::string content : {"", "a\r\n\r\nb", "a\n\xff\n"}) {
    const std::string file = directory.file("texts", content);
    const process_result found = run_offramp({"tokenize", "--model", tiny("tiny"), "--input", file}, "not read\n");
    EXPECT_EQ(found.status, 0);
    EXPECT_EQ(found.out, tokens_of(offramp::classifier::load(tiny("tiny")), all_lines(content)));
    EXPECT_EQ(found.err, "");
  }
}

TEST(sources, are_answered_before_more_is_said) {
  for (const std::string command : {"classify", "tokenize"}) {
    const std::vector<std::string> answers = lines_of(run_offramp({command, "--model", tiny("tiny")}, "a\nb\nc\n").out);
    ASSERT_EQ(answers.size(), 3U);
    const conversation talk({command, "--model", tiny("tiny")});
    talk.say("a\n");
    EXPECT_EQ(talk.hear(), answers[0] + "\n");
    talk.say("b\nc");
    EXPECT_EQ(talk.hear(), answers[1] + "\n");
    EXPECT_EQ(talk.end(), 0);
    EXPECT_EQ(talk.hear(), answers[2] + "\n");
    EXPECT_EQ(talk.hear(), "");
  }
}

TEST(sources, can_be_read_as_another_kind) {
  const offramp::classifier model = offramp::classifier::load(tiny("tiny"));
  const process_result pair =
      run_offramp({"tokenize", "--json", "--input-kind", "pair", "--model", tiny("tiny")}, "a\tb\n");
  EXPECT_EQ(pair.out, R"({"ids":[2,64,3,12,3],"type_ids":[0,0,0,1,1],"pieces":["[CLS]","a","[SEP]","b","[SEP]"]})"
                      "\n");
  const process_result single =
      run_offramp({"tokenize", "--json", "--input-kind", "single", "--model", tiny("tiny-pair")}, "a\tb\n");
  EXPECT_EQ(single.out, R"({"ids":[2,64,12,3],"type_ids":[0,0,0,0],"pieces":["[CLS]","a","b","[SEP]"]})"
                        "\n");
}

}  // namespace cli_input_test
