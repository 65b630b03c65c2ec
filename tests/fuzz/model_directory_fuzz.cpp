// SPDX-License-Identifier: Apache-2.0
// A valid model with a few changes: the input chooses one of the tiny models, then again and again a file and what to
// do there: replace, insert or remove bytes, exchange a JSON value for another one of the same file, cut the file
// short, remove it. Refused with an error, or loaded and used, in every numeric format.
#include "fuzz_models.hpp"

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace {

using offramp_fuzz::input_reader;
using offramp_fuzz::model_files;

const std::vector<model_files>& models() {
  static const std::vector<model_files> all = [] {
    std::vector<model_files> read;
    for (const char* name : {"tiny",
                             "tiny-i8",
                             "tiny-mix",
                             "tiny-pair",
                             "tiny-plain",
                             "tiny-sharded",
                             "family-albert",
                             "family-distilbert",
                             "family-roberta",
                             "family-electra",
                             "family-mpnet-exits",
                             "family-deberta-exits",
                             "family-deberta-c2p",
                             "family-deberta-p2c",
                             "family-modernbert-exits",
                             "family-modernbert-mean",
                             "published-deebert",
                             "published-pabee",
                             "published-right-tool-plain",
                             "berxit-exits"}) {
      read.push_back(offramp_fuzz::read_model(name));
    }
    return read;
  }();
  return all;
}

/// Where values begin in a JSON text, roughly: behind each colon, bracket and comma.
std::vector<std::size_t> value_places(const std::string& json) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (json[i] == ':' || json[i] == '[' || json[i] == ',') {
      places.push_back(i + 1);
    }
  }
  return places;
}

void replace_json_value(std::string& json, input_reader& input) {
  static constexpr std::string_view values[] = {"null",  "true",  "-1",    "0",       "1",   "2147483648",
                                                "1e300", "\"\"",  "[]",    "{}",      "0.5", "1e-320",
                                                "\"a\"", "[[0]]", "65537", "\"gelu\""};
  const std::vector<std::size_t> places = value_places(json);
  if (places.empty()) {
    return;
  }
  const std::size_t begin = places[input.below(places.size())];
  const std::size_t end = std::min(json.find_first_of(",]}", begin), json.size());
  json.replace(begin, end - begin, values[input.below(std::size(values))]);
}

void change(model_files& files, input_reader& input) {
  const auto chosen = std::next(files.begin(), static_cast<std::ptrdiff_t>(input.below(files.size())));
  std::string& content = chosen->second;
  const bool is_json = chosen->first.ends_with(".json");
  const std::size_t place = content.empty() ? 0 : input.take<std::uint32_t>() % content.size();
  switch (input.below(is_json ? 8 : 5)) {
    case 0:
      content.erase(place);
      break;
    case 1:
      content.erase(place, input.below(16));
      break;
    case 2:
      content.insert(place, input.take_text(input.below(16)));
      break;
    case 3:
      if (!content.empty()) {
        content[place] = static_cast<char>(input.take<std::uint8_t>());
      }
      break;
    case 4:
      files.erase(chosen);
      break;
    default:
      replace_json_value(content, input);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  input_reader input(offramp_fuzz::as_text(data, size));
  model_files files = models()[input.below(models().size())];
  offramp::load_options options;
  options.format = static_cast<offramp::numeric_format>(input.below(3));
  while (!input.rest().empty() && !files.empty()) {
    change(files, input);
  }
  try {
    offramp_fuzz::use(offramp_fuzz::load(files, options));
  } catch (const offramp::error&) {
  }
  return 0;
}
