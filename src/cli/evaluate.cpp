// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"
#include "curve_output.hpp"
#include "data_options.hpp"
#include "fixed_number.hpp"
#include "json_output.hpp"
#include "model_options.hpp"
#include "policy_options.hpp"
#include "progress_bar.hpp"
#include "texts_output.hpp"
#include "thread_runner.hpp"

#include <offramp/classifier.hpp>
#include <offramp/detail/directory_name.hpp>
#include <offramp/study/certifiable_texts.hpp>
#include <offramp/study/evaluation.hpp>
#include <offramp/study/exit_logits.hpp>
#include <offramp/study/known_texts.hpp>
#include <offramp/study/wall_time.hpp>

#include <array>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace offramp_cli {

namespace {

namespace study = offramp::study;

struct evaluate_options {
  model_options model;
  data_options data;
  policy_options policy;
  texts_output texts;
  study::timing_options timing{.rounds = 1};
  int timing_threads = 1;
  int threads = offramp::usable_threads();
  const CLI::Option* json_lines = nullptr;
};

/// The answers of a policy on a data set, and what they are called.
struct evaluated {
  const offramp::classifier& model;
  const study::dataset& data;
  offramp::exit_policy policy;
  study::evaluation found;
  std::vector<study::wall_time> times;  // under the policy and at full depth, or nothing
};

template <class... Values>
void write_line(const char* format, Values... values) {
  char line[256];
  std::snprintf(line, sizeof line, format, values...);
  std::cout << line << '\n';
}

/// "-" of nothing.
std::string percent(std::size_t part, std::size_t whole, int decimals, const std::string& unit) {
  return whole == 0 ? "-" : fixed(100.0 * static_cast<double>(part) / static_cast<double>(whole), decimals) + unit;
}

void write_accuracy(const evaluated& all) {
  const study::evaluation& found = all.found;
  const bool is_multi_label = !all.model.cuts().empty();
  const study::operating_point& early = found.early;
  write_line("%s %.2f %% (95 %%: %.2f to %.2f), %.2f %% at full depth", is_multi_label ? "subset acc." : "accuracy   ",
             100.0 * early.accuracy, 100.0 * early.accuracy_95.lower, 100.0 * early.accuracy_95.upper,
             100.0 * found.full.accuracy);
  write_line("lost        %.2f points (95 %%: %.2f to %.2f), McNemar's p = %.3g", 100.0 * found.loss->estimate,
             100.0 * found.loss->lower, 100.0 * found.loss->upper, found.loss->p_value);
  write_line("macro F1    %.4f, %.4f at full depth", early.macro_f1, found.full.macro_f1);
  if (is_multi_label) {
    write_line("micro F1    %.4f, %.4f at full depth", early.micro_f1, found.full.micro_f1);
  }
}

void write_exits(const study::operating_point& early) {
  std::cout << "\nlayer    texts    share    right\n";
  for (const study::exit_share& exit : early.exits) {
    write_line("%5d %8zu %8s %8s", exit.layer, exit.texts, percent(exit.texts, early.texts, 1, "%").c_str(),
               percent(exit.correct, exit.texts, 1, "%").c_str());
  }
}

void write_labels(const evaluated& all) {
  const bool is_multi_label = !all.model.cuts().empty();
  std::cout << (is_multi_label ? "\nright label: texts, given it, given it at full depth, mean layer\n"
                               : "\nright label: texts, right, right at full depth, mean layer; given instead\n");
  for (std::size_t right = 0; right < all.found.by_label.size(); ++right) {
    const study::label_share& share = all.found.by_label[right];
    std::cout << "  " << share.label;
    std::cout << ": " << share.texts << ", " << percent(share.correct, share.texts, 2, " %") << ", "
              << percent(share.correct_at_full_depth, share.texts, 2, " %") << ", "
              << (share.texts > 0 ? fixed(share.mean_layer, 2) : "-");
    const char* separator = "; ";
    for (std::size_t given = 0; !is_multi_label && given < all.found.confusion[right].size(); ++given) {
      if (given != right && all.found.confusion[right][given] > 0) {
        std::cout << separator << all.model.labels()[given] << ' ' << all.found.confusion[right][given];
        separator = ", ";
      }
    }
    std::cout << '\n';
  }
}

void write_times(const evaluated& all) {
  const study::latency& early = all.times.front().single;
  const study::latency& full = all.times.back().single;
  write_line("time        %.3f ms (95 %%: %.3f to %.3f), %.3f at full depth, p95 %.3f", early.mean_ms,
             early.mean_likely.lower, early.mean_likely.upper, full.mean_ms, early.p95_ms);
  write_line("            %.2fx faster (95 %%: %.2f to %.2f)", early.speedup.estimate, early.speedup.likely.lower,
             early.speedup.likely.upper);
}

void write_text(const evaluated& all) {
  const study::operating_point& early = all.found.early;
  std::cout << "policy      " << describe(all.policy) << '\n';
  write_line("texts       %zu", early.texts);
  if (all.found.loss) {
    write_accuracy(all);
  }
  write_line("%s %zu texts, %.2f %% (95 %%: %.2f to %.2f) than at full depth",
             all.model.cuts().empty() ? "other label" : "otherwise  ", early.disagreeing, 100.0 * early.disagreement,
             100.0 * all.found.disagreement_95.lower, 100.0 * all.found.disagreement_95.upper);
  const int layers = all.model.exits().back().layer;
  if (early.mean_layer > 0.0) {
    write_line("layers      %.3f of %d on average, %.2fx fewer", early.mean_layer, layers, early.layer_speedup);
  } else {
    write_line("layers      none of %d: every text left before the encoder", layers);
  }
  const std::string fewer = early.mean_flops > 0.0 ? ", " + fixed(early.flops_speedup, 2) + "x fewer" : "";
  write_line("FLOPs       %.3f billion a text, %.3f at full depth%s", early.mean_flops / 1e9,
             all.found.full.mean_flops / 1e9, fewer.c_str());
  if (!all.times.empty()) {
    write_times(all);
  }
  if (all.found.loss) {
    write_exits(early);
    write_labels(all);
  }
}

json point_fields(const study::operating_point& point) {
  const auto number = [](double value) { return static_cast<float>(value); };
  json exits = json::array();
  for (const study::exit_share& exit : point.exits) {
    exits.push_back({{"layer", exit.layer},
                     {"texts", exit.texts},
                     {"correct", exit.correct},
                     {"mean_confidence", number(exit.mean_confidence)}});
  }
  return {{"accuracy", number(point.accuracy)},
          {"accuracy_lower", number(point.accuracy_95.lower)},
          {"accuracy_upper", number(point.accuracy_95.upper)},
          {"macro_f1", number(point.macro_f1)},
          {"micro_f1", number(point.micro_f1)},
          {"mean_layer", number(point.mean_layer)},
          {"layer_speedup", point.mean_layer > 0.0 ? json(number(point.layer_speedup)) : json()},
          {"mean_flops", number(point.mean_flops)},
          {"flops_speedup", point.mean_flops > 0.0 ? json(number(point.flops_speedup)) : json()},
          {"exits", exits}};
}

void write_json(const evaluated& all) {
  const auto number = [](double value) { return static_cast<float>(value); };
  json line = {{"policy", describe(all.policy)},
               {"data", all.data.name},
               {"data_sha256", all.data.sha256},
               {"texts", all.found.early.texts},
               {"labelled", all.found.loss.has_value()},
               {"early", point_fields(all.found.early)},
               {"full_depth", point_fields(all.found.full)},
               {"disagreement",
                {{"texts", all.found.early.disagreeing},
                 {"share", number(all.found.early.disagreement)},
                 {"lower", number(all.found.disagreement_95.lower)},
                 {"upper", number(all.found.disagreement_95.upper)}}}};
  if (!all.times.empty()) {
    line["time"] = times_of(all.times.front().single);
    line["time"]["full_depth_mean_ms"] = number(all.times.back().single.mean_ms);
  }
  if (all.found.loss) {
    line["loss"] = {{"estimate", number(all.found.loss->estimate)},
                    {"lower", number(all.found.loss->lower)},
                    {"upper", number(all.found.loss->upper)},
                    {"mcnemar_p", number(all.found.loss->p_value)}};
    line["labels"] = all.model.labels();
    line["confusion"] = all.found.confusion;
  }
  write_json_line(std::cout, line);
}

void warn_of_known(const std::filesystem::path& directory, const study::dataset& data) {
  if (const std::size_t known = study::count_known(study::known_texts::read(directory), data); known > 0) {
    std::cerr << "offramp: " << data.name << ": the model knows " << known << " of these " << data.texts.size()
              << " texts, which trained it, calibrated it or chose a threshold: on new ones it may do worse\n";
  }
}

void run_evaluate(evaluate_options& options) {
  options.policy.check();
  options.texts.open();
  const offramp::classifier model = options.model.load_and_warn();
  const offramp::exit_policy policy = options.policy.policy(model);
  model.check(policy);
  const study::dataset data = options.data.read(model);
  warn_of_known(options.model.path(), data);
  const study::exit_logits logits =
      study::compute_exit_logits(model, data, thread_runner(options.threads), progress_bar("every exit", "texts"));
  options.texts.write(offramp::detail::directory_name(options.model.path()), model, logits);
  options.texts.commit();
  evaluated all{model, data, policy, study::evaluate(logits, model.labels(), policy), {}};
  if (options.timing.rounds > 0) {
    const std::array policies{policy, offramp::exit_policy::full_depth()};
    all.times = study::measure_wall_time(model, data, policies, options.timing, thread_runner(options.timing_threads),
                                         progress_bar("wall time", "texts"));
  }
  if (options.json_lines->count() > 0) {
    write_json(all);
  } else {
    write_text(all);
  }
}

}  // namespace

command add_evaluate(CLI::App& app) {
  CLI::App& parser = *app.add_subcommand("evaluate", "What one policy loses and saves, on texts that chose nothing");
  const auto options = std::make_shared<evaluate_options>();
  options->model.add_to(parser);
  options->model.add_format_to(parser);
  options->model.add_exits_to(parser);
  options->data.add_to(parser);
  options->policy.add_to(parser);
  options->texts.add_to(parser);
  parser.add_option("--rounds", options->timing.rounds, "Times that texts are timed; 0: no wall time")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  parser.add_option("--timed-texts", options->timing.texts, "At most so many texts are timed")
      ->check(CLI::Range(1, 100000000))
      ->capture_default_str();
  parser.add_option("--timing-threads", options->timing_threads, "Threads lent to each timed call")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  parser.add_option("--threads", options->threads, "Threads for the pass over the data")
      ->check(CLI::Range(1, 1024))
      ->default_str("all usable");
  options->json_lines = parser.add_flag("--json")->description("Write one line of JSON");
  return {&parser, [options] { run_evaluate(*options); }};
}

}  // namespace offramp_cli
