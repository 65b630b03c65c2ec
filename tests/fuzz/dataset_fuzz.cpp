// SPDX-License-Identifier: Apache-2.0
// Any bytes as a file of labelled texts, as columns or JSON Lines (the first byte chooses): refused with an error, or
// every text has a label.
#include <offramp/study/data_description.hpp>
#include <offramp/study/dataset.hpp>

#include "fuzz_models.hpp"

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

/// Where files lie in memory, else where temporary ones go.
std::filesystem::path memory_directory() {
  const std::filesystem::path memory = "/dev/shm";
  return std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
}

std::filesystem::path write(std::string_view content, const char* ending) {
  static const std::filesystem::path stem = memory_directory() / ("offramp-dataset-fuzz-" + std::to_string(getpid()));
  const std::filesystem::path path = stem.string() + ending;
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  return path;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  offramp_fuzz::input_reader input(offramp_fuzz::as_text(data, size));
  const bool is_pair = input.take<std::uint8_t>() % 2 == 1;
  const std::vector<std::string> labels = {"0", "1", "neg"};
  for (const char* ending : {".tsv", ".jsonl"}) {
    const std::filesystem::path path = write(input.rest(), ending);
    try {
      (void)offramp::study::describe_data(path);
      const offramp::study::dataset read =
          offramp::study::read_dataset(path, labels, is_pair ? offramp::input_kind::pair : offramp::input_kind::single);
      offramp_fuzz::require(!read.texts.empty(), "a data set holds a text");
      for (const offramp::study::labelled_text& text : read.texts) {
        offramp_fuzz::require(text.label_id >= 0 && text.label_id < 3, "a text has a label");
        offramp_fuzz::require(text.second.has_value() == is_pair, "a pair has two texts");
      }
    } catch (const offramp::error&) {
    }
    try {
      constexpr auto any = offramp::study::labels_per_text::any;
      (void)offramp::study::describe_data(path, {}, any);
      const auto kind = is_pair ? offramp::input_kind::pair : offramp::input_kind::single;
      for (const offramp::study::labelled_text& text :
           offramp::study::read_dataset(path, labels, kind, {}, any).texts) {
        offramp_fuzz::require(text.label_id == offramp::study::label_set, "a text has a set of labels");
        for (std::size_t i = 0; i < text.label_ids.size(); ++i) {
          offramp_fuzz::require(text.label_ids[i] >= (i == 0 ? 0 : text.label_ids[i - 1] + 1) && text.label_ids[i] < 3,
                                "labels of a text ascend");
        }
      }
    } catch (const offramp::error&) {
    }
    std::filesystem::remove(path);
  }
  return 0;
}
