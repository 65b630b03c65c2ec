// SPDX-License-Identifier: Apache-2.0
#include "metrics.hpp"

#include <sstream>
#include <string_view>
#include <variant>

namespace offramp_serve {

namespace {

/// A label's value as the format wants it.
std::string quoted_label(std::string_view value) {
  std::string text = "\"";
  for (const char c : value) {
    text += c == '\n' ? "\\n" : c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
  }
  return text + '"';
}

void describe(std::ostream& out, const char* name, const char* type, const char* help) {
  out << "# HELP " << name << ' ' << help << "\n# TYPE " << name << ' ' << type << '\n';
}

double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

void metrics::count_request(int status) {
  const std::scoped_lock lock(mutex_);
  ++requests_by_status_[status];
}

void metrics::count_answers(const served_model& model, const answers& given) {
  const std::scoped_lock lock(mutex_);
  model_counts& counts = models_[model.name];
  ++counts.requests;
  counts.seconds_waited += seconds(given.waited);
  for (const auto& result : given.results) {
    const auto* answer = std::get_if<offramp::prediction>(&result);
    if (answer == nullptr) {
      ++counts.failed_texts;
    } else if (answer->stopped != offramp::stop_reason::cancelled) {
      ++counts.texts_by_layer[answer->layer];
    }
  }
}

std::string metrics::text(const model_registry& models, const text_queue& queue) const {
  std::ostringstream out;
  describe(out, "offramp_queue_texts", "gauge", "Texts that wait.");
  out << "offramp_queue_texts " << queue.waiting() << '\n';
  describe(out, "offramp_load", "gauge", "Waiting texts as a share of those at which policies are boldest.");
  out << "offramp_load " << queue.load() << '\n';
  describe(out, "offramp_stage_seconds_total", "counter", "Time of all texts, by stage.");
  for (const auto& model : models.all()) {
    const offramp::call_statistics sum = model->meter.statistics();
    const std::string name = "offramp_stage_seconds_total{model=" + quoted_label(model->name) + ",stage=\"";
    out << name << "tokenizing\"} " << seconds(sum.tokenizing) << '\n'
        << name << "encoding\"} " << seconds(sum.encoding) << '\n'
        << name << "classifying\"} " << seconds(sum.classifying) << '\n';
  }
  const std::scoped_lock lock(mutex_);
  describe(out, "offramp_requests_total", "counter", "HTTP requests, by status.");
  for (const auto& [status, count] : requests_by_status_) {
    out << "offramp_requests_total{status=\"" << status << "\"} " << count << '\n';
  }
  describe(out, "offramp_texts_total", "counter", "Texts, by the layer that answered; 0 before the encoder.");
  for (const auto& [name, counts] : models_) {
    for (const auto& [layer, count] : counts.texts_by_layer) {
      out << "offramp_texts_total{model=" << quoted_label(name) << ",layer=\"" << layer << "\"} " << count << '\n';
    }
  }
  describe(out, "offramp_failed_texts_total", "counter", "Texts that had an error.");
  for (const auto& [name, counts] : models_) {
    out << "offramp_failed_texts_total{model=" << quoted_label(name) << "} " << counts.failed_texts << '\n';
  }
  describe(out, "offramp_queue_seconds", "summary", "How long requests waited.");
  for (const auto& [name, counts] : models_) {
    out << "offramp_queue_seconds_sum{model=" << quoted_label(name) << "} " << counts.seconds_waited << '\n'
        << "offramp_queue_seconds_count{model=" << quoted_label(name) << "} " << counts.requests << '\n';
  }
  return out.str();
}

}  // namespace offramp_serve
