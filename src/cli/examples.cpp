// SPDX-License-Identifier: Apache-2.0
#include "examples.hpp"

#include <string>
#include <utility>

namespace offramp_cli {

void add_examples(CLI::App& app) {
  const std::pair<const char*, const char*> examples[] = {
      {"classify", "offramp classify --trace 'This film is fun.'"},
      {"tokenize", "offramp tokenize 'This film is fun.'"},
      {"inspect", "offramp inspect sentiment-en"},
      {"verify", "offramp verify sentiment-ko --format int8"},
      {"curve", "offramp curve --model MODEL --data dev.tsv --out curve --pick loss:1@95"},
      {"fit", "offramp fit --model CHECKPOINT --texts logs.txt --certify 0.01 --out fast"},
      {"calibrate", "offramp calibrate --model MODEL --data dev.tsv"},
      {"certify", "offramp certify --model MODEL --data held-out.tsv --epsilon 0.01"},
      {"evaluate", "offramp evaluate --model MODEL --data test.tsv --certified 0.01"},
      {"serve", "offramp serve --model sentiment-en --port 8080"},
      {"completion", "source <(offramp completion bash)"},
      {"manual", "offramp manual | man -l -"},
  };
  for (const auto& example : examples) {
    const auto is_meant = [&](const CLI::App* parser) { return parser->get_name() == example.first; };
    for (CLI::App* parser : app.get_subcommands(is_meant)) {
      const std::string before = parser->get_footer();
      parser->footer(before + (before.empty() ? "" : "\n\n") + "Example: " + example.second);
    }
  }
}

}  // namespace offramp_cli
