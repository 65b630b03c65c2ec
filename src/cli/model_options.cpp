// SPDX-License-Identifier: Apache-2.0
#include "model_options.hpp"

#include "command.hpp"

#include <charconv>
#include <iostream>
#include <stdexcept>
#include <system_error>
#include <vector>

#if defined(__APPLE__)
#include <mach-o/dyld.h>

#include <cstdint>
#endif

namespace offramp_cli {

namespace {

std::filesystem::path program_path() {
#if defined(__APPLE__)
  std::uint32_t size = 0;
  _NSGetExecutablePath(nullptr, &size);
  std::string name(size, '\0');
  return _NSGetExecutablePath(name.data(), &size) == 0 ? std::filesystem::path(name.c_str()) : std::filesystem::path();
#else
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored);
#endif
}

/// As in "2,4,6".
std::vector<int> layers_in(const std::string& list) {
  std::vector<int> layers;
  const char* next = list.data();
  const char* const end = list.data() + list.size();
  do {
    const auto [rest, problem] = std::from_chars(next, end, layers.emplace_back());
    const bool is_last = rest == end;
    if (problem != std::errc() || !(is_last || (*rest == ',' && rest + 1 != end))) {
      throw usage_error("--exits is \"" + list + "\", expected layers as in 2,4,6");
    }
    next = is_last ? end : rest + 1;
  } while (next != end);
  return layers;
}

}  // namespace

void model_options::add_to(CLI::App& parser, const std::string& description) {
  parser.add_option("--model", directory, description);
}

void model_options::add_positional_to(CLI::App& parser) { parser.add_option("MODEL", directory, any_model); }

void model_options::add_format_to(CLI::App& parser) {
  parser.add_option("--format", format, "Arithmetic of the linear layers")
      ->check(CLI::IsMember(names_in(offramp::detail::numeric_format_names)))
      ->capture_default_str();
}

void model_options::add_exits_to(CLI::App& parser) {
  parser.add_option("--exits", exits, "Layers whose exits may answer, as in 2,4,6 (default: all)");
}

std::filesystem::path model_options::path() const {
  std::error_code ignored;
  // What is there and cannot be opened is no bundled model's name either: loading says what is wrong with it.
  if (directory &&
      std::filesystem::symlink_status(*directory, ignored).type() != std::filesystem::file_type::not_found) {
    return *directory;
  }
  std::filesystem::path name = directory.value_or("sentiment-en");
  if (!name.empty() && !name.has_parent_path()) {
    const std::filesystem::path folder = program_path().parent_path();
    std::vector<std::filesystem::path> places{folder.parent_path() / OFFRAMP_INSTALLED_MODELS};
    if (std::filesystem::exists(folder / "CMakeCache.txt", ignored)) {  // where it was built
      places.push_back((folder / OFFRAMP_SOURCE_MODELS).lexically_normal());
    }
    for (const std::filesystem::path& models : places) {
      if (std::filesystem::is_directory(models / name, ignored)) {
        return models / name;
      }
    }
  }
  if (!directory) {
    throw std::runtime_error("the bundled model is neither installed nor in the source tree: name one with --model");
  }
  return name;
}

bool model_options::is_bundled() const { return !directory || path() != *directory; }

void model_options::check_own(const std::string& purpose) const {
  if (is_bundled()) {
    throw usage_error(purpose + " into a model: name one of your own with --model" +
                      (directory ? ", \"" + *directory + "\" is bundled" : std::string()));
  }
}

offramp::classifier model_options::load() const {
  offramp::load_options options;
  options.format = offramp::numeric_format_named(format).value();
  if (exits) {
    options.exits = layers_in(*exits);
  }
  return offramp::classifier::load(path(), options);
}

offramp::classifier model_options::load_and_warn() const {
  offramp::classifier model = load();
  for (const std::string& warning : model.info().warnings) {
    std::cerr << "offramp: " << path().string() << ": " << warning << '\n';
  }
  return model;
}

}  // namespace offramp_cli
