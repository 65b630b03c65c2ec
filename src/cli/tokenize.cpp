// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"
#include "input_lines.hpp"
#include "json_output.hpp"
#include "model_options.hpp"
#include "tsv_output.hpp"

#include <offramp/tokenizer.hpp>

#include <cstdint>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace offramp_cli {

namespace {

struct tokenize_options {
  model_options model;
  input_options input;
  const CLI::Option* json_lines = nullptr;
};

/// One row per token.
struct token_table {
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> type_ids;
  std::vector<std::string> pieces;
};

token_table tokens_of(const offramp::tokenizer& model, const input_text& text) {
  const offramp::encoding tokens =
      text.second ? model.tokenize(offramp::sentence_pair{text.first, *text.second}) : model.tokenize(text.first);
  token_table table{tokens.ids, tokens.type_ids, {}};
  table.type_ids.resize(table.ids.size(), 0);
  for (const std::int32_t id : table.ids) {
    table.pieces.emplace_back(model.piece(id));
  }
  return table;
}

template <class Values>
void write_column(const Values& values, char end) {
  const char* space = "";
  for (const auto& value : values) {
    std::cout << space << value;
    space = " ";
  }
  std::cout << end;
}

void write_table(const token_table& table, const tokenize_options& options) {
  if (options.json_lines->count() > 0) {
    write_json_line(std::cout, {{"ids", table.ids}, {"type_ids", table.type_ids}, {"pieces", table.pieces}});
    return;
  }
  write_column(table.ids, '\t');
  write_column(table.type_ids, '\t');
  std::vector<std::string> pieces;
  for (const std::string& piece : table.pieces) {
    pieces.push_back(tsv_field(piece));
  }
  write_column(pieces, '\n');
}

void tokenize(const tokenize_options& options) {
  constexpr std::size_t chunk_size = 256;
  const offramp::tokenizer model = offramp::tokenizer::load(options.model.path());
  input_lines input(options.input, model.expected_input());
  for (auto chunk = input.next_chunk(chunk_size); !chunk.empty(); chunk = input.next_chunk(chunk_size)) {
    for (const input_text& text : chunk) {
      write_table(tokens_of(model, text), options);
    }
    if (!std::cout.flush()) {
      throw std::runtime_error("standard output cannot be written");
    }
  }
}

}  // namespace

command add_tokenize(CLI::App& app) {
  CLI::App& parser =
      *app.add_subcommand("tokenize", "Token ids, type ids and pieces of each text, as the model sees them");
  const auto options = std::make_shared<tokenize_options>();
  options->model.add_to(parser);
  options->input.add_to(parser);
  options->json_lines = parser.add_flag("--json")->description("Write JSON Lines");
  parser.footer(
      "In columns between tabs a backslash, tab, line feed or carriage return of a piece is written as \\\\, \\t, \\n "
      "or\n"
      "\\r; --json has it as it is.");
  return {&parser, [options] { tokenize(*options); }};
}

}  // namespace offramp_cli
