// SPDX-License-Identifier: Apache-2.0
#include "input_lines.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace offramp_cli {

input_text split_line(std::string_view line, offramp::input_kind kind, const std::string& place) {
  if (kind == offramp::input_kind::single) {
    return {std::string(line), std::nullopt};
  }
  const std::size_t tab = line.find('\t');
  if (tab == std::string_view::npos) {
    throw std::runtime_error(place + ": no tab between the two texts of a pair");
  }
  return {std::string(line.substr(0, tab)), std::string(line.substr(tab + 1))};
}

void input_options::add_to(CLI::App& parser) {
  // Nothing limits the number of texts: a positional takes arguments until it has its minimum, and take_all forgives
  // too few. CLI11's own way, expected(-1), would take an argument "[a,b]" apart.
  constexpr int unreachable = 1 << 28;
  texts = parser.add_option("TEXT")
              ->description("Texts to read instead of standard input; after -- they may start with '-'")
              ->type_size(1)
              ->take_all()
              ->expected(unreachable, CLI::detail::expected_max_vector_size);
  parser.add_option("--input", file, "File to read, one text per line")->excludes(parser.get_option("TEXT"));
  parser.add_option("--input-kind", kind, "single: a line is a text; pair: two texts, split at the first tab")
      ->check(CLI::IsMember({"single", "pair"}));
}

offramp::input_kind chosen_kind(const std::string& option, std::optional<offramp::input_kind> model_kind) {
  if (option.empty()) {
    return model_kind.value_or(offramp::input_kind::single);
  }
  return option == "pair" ? offramp::input_kind::pair : offramp::input_kind::single;
}

input_file::input_file(const std::optional<std::string>& name)
    : descriptor_(name ? open(name->c_str(), O_RDONLY | O_CLOEXEC) : STDIN_FILENO) {
  if (descriptor_ < 0) {
    throw offramp::error(offramp::error_kind::io, *name + ": cannot be opened: " + std::strerror(errno));
  }
}

input_file::~input_file() {
  if (descriptor_ != STDIN_FILENO) {
    close(descriptor_);
  }
}

input_lines::input_lines(const input_options& options, std::optional<offramp::input_kind> model_kind)
    : kind_(chosen_kind(options.kind, model_kind)),
      from_arguments_(options.texts->count() > 0),
      name_(options.file.value_or("standard input")),
      file_(options.file),
      lines_(file_.descriptor(), name_) {
  if (from_arguments_) {
    const std::vector<std::string> texts = options.texts->results();
    arguments_.assign(texts.begin(), texts.end());
  }
}

std::optional<input_text> input_lines::next_text() {
  ++count_;
  if (from_arguments_) {
    if (arguments_.empty()) {
      return std::nullopt;
    }
    const std::string text = std::move(arguments_.front());
    arguments_.pop_front();
    return split_line(text, kind_, "text " + std::to_string(count_));
  }
  const std::optional<std::string> line = lines_.next();
  if (!line) {
    return std::nullopt;
  }
  return split_line(*line, kind_, name_ + ", line " + std::to_string(count_));
}

bool input_lines::has_arrived() { return from_arguments_ || lines_.has_arrived(); }

std::vector<input_text> input_lines::next_chunk(std::size_t size) {
  if (pending_) {
    std::rethrow_exception(std::exchange(pending_, nullptr));
  }
  std::vector<input_text> chunk;
  try {
    while (chunk.size() < size && (chunk.empty() || has_arrived())) {
      std::optional<input_text> text = next_text();
      if (!text) {
        break;
      }
      chunk.push_back(std::move(*text));
    }
  } catch (const std::exception&) {
    if (chunk.empty()) {
      throw;
    }
    pending_ = std::current_exception();
  }
  return chunk;
}

}  // namespace offramp_cli
