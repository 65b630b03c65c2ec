// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

extern char** environ;

namespace offramp_tests {

using arguments = std::vector<std::string>;

/// How a process ended (its exit status, or minus the signal that killed it) and what it wrote.
struct process_result {
  int status = 0;
  std::string out;
  std::string err;
};

/// A nameless file that is gone when closed.
class scratch_file {
 public:
  explicit scratch_file(std::string_view content = {}) : file_(std::tmpfile(), std::fclose) {
    if (!file_) {
      throw std::runtime_error("no temporary file");
    }
    std::fwrite(content.data(), 1, content.size(), file_.get());
    std::fflush(file_.get());
    std::rewind(file_.get());
  }

  [[nodiscard]] int descriptor() const { return fileno(file_.get()); }

  [[nodiscard]] std::string content() const {
    std::string text;
    std::array<char, 4096> buffer{};
    std::rewind(file_.get());
    while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), file_.get())) {
      text.append(buffer.data(), size);
    }
    return text;
  }

 private:
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

/// What a command line begins with: nothing, or the emulator that programs for another architecture run under.
inline arguments emulator() {
  arguments words;
  std::istringstream list(OFFRAMP_EMULATOR);
  for (std::string word; list >> word;) {
    words.push_back(word);
  }
  return words;
}

/// What a process does when it writes to a pipe that nobody reads.
enum class broken_pipe { kills, is_an_error };

/// Starts `program` with its three standard streams on these descriptors.
inline pid_t spawn(const std::string& program, const arguments& given, std::array<int, 3> streams,
                   broken_pipe pipe_behaviour = broken_pipe::kills) {
  arguments words = emulator();
  words.push_back(program);
  words.insert(words.end(), given.begin(), given.end());
  std::vector<char*> argv;
  for (std::string& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (int stream = 0; stream < 3; ++stream) {
    posix_spawn_file_actions_adddup2(&actions, streams[static_cast<std::size_t>(stream)], stream);
  }
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigemptyset(&defaults);
  if (pipe_behaviour == broken_pipe::kills) {
    sigaddset(&defaults, SIGPIPE);
  }
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  // A child inherits what its parent ignores.
  auto* const before = signal(SIGPIPE, SIG_IGN);
  pid_t child = 0;
  const int problem = posix_spawnp(&child, argv.front(), &actions, &attributes, argv.data(), environ);
  signal(SIGPIPE, before);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (problem != 0) {
    throw std::runtime_error(program + " does not start");
  }
  return child;
}

/// How a process ended, as in process_result.
inline int wait_for(pid_t child) {
  int status = 0;
  if (waitpid(child, &status, 0) != child) {
    throw std::runtime_error("a process cannot be waited for");
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/// Runs `program` with its three standard streams on these descriptors; returns how it ended.
inline int spawn_and_wait(const std::string& program, const arguments& given, std::array<int, 3> streams,
                          broken_pipe pipe_behaviour = broken_pipe::kills) {
  return wait_for(spawn(program, given, streams, pipe_behaviour));
}

inline process_result run_program(const std::string& program, const arguments& given, std::string_view input = {}) {
  const scratch_file in(input);
  const scratch_file out;
  const scratch_file err;
  const int status = spawn_and_wait(program, given, {in.descriptor(), out.descriptor(), err.descriptor()});
  return {status, out.content(), err.content()};
}

/// Runs the command that was just built.
inline process_result run_offramp(const arguments& given, std::string_view input = {}) {
  return run_program(OFFRAMP_COMMAND, given, input);
}

/// The command that was just built, with pipes to its standard input and from its standard output.
class conversation {
 public:
  explicit conversation(const arguments& given) {
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    if (pipe2(in.data(), O_CLOEXEC) != 0 || pipe2(out.data(), O_CLOEXEC) != 0) {
      throw std::runtime_error("no pipe");
    }
    child_ = spawn(OFFRAMP_COMMAND, given, {in[0], out[1], errors_.descriptor()});
    close(in[0]);
    close(out[1]);
    to_child_ = in[1];
    from_child_ = out[0];
  }
  ~conversation() { close(from_child_); }
  conversation(const conversation&) = delete;
  conversation& operator=(const conversation&) = delete;

  void say(std::string_view text) const {
    if (write(to_child_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
      throw std::runtime_error("the pipe is broken");
    }
  }

  /// The next line, as soon as it is written; nothing at the end. The minute only ends a test that would never end.
  [[nodiscard]] std::string hear() const {
    constexpr int minute = 60'000;
    std::string line;
    pollfd file{from_child_, POLLIN, 0};
    for (char byte = 0; poll(&file, 1, minute) == 1 && read(from_child_, &byte, 1) == 1;) {
      line += byte;
      if (byte == '\n') {
        break;
      }
    }
    return line;
  }

  void send_signal(int which) const { kill(child_, which); }
  [[nodiscard]] pid_t process() const { return child_; }

  /// Ends the input; returns how the command ended.
  [[nodiscard]] int end() const {
    close(to_child_);
    return wait_for(child_);
  }

 private:
  scratch_file errors_;
  pid_t child_ = 0;
  int to_child_ = -1;
  int from_child_ = -1;
};

inline std::string tiny(const std::string& model) { return std::string(OFFRAMP_TEST_DATA) + "/models/" + model; }

inline std::string content_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A directory that is removed at the end, with what is in it.
class scratch_directory {
 public:
  scratch_directory() {
    std::string name = (std::filesystem::temp_directory_path() / "offramp-cli-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
      throw std::runtime_error(name + " cannot be made");
    }
    path_ = name;
  }
  ~scratch_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  [[nodiscard]] std::string file(const std::string& name, std::string_view content) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return path_ / name;
  }

  /// A copy of one of the tiny models that a command may change.
  [[nodiscard]] std::string copy_of(const std::string& model) const {
    std::filesystem::copy(tiny(model), path_ / model);
    return path_ / model;
  }

  /// The content of a file in it.
  [[nodiscard]] std::string content(const std::string& name) const { return content_of(path_ / name); }

 private:
  std::filesystem::path path_;
};

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    lines.push_back(text.substr(begin, end - begin));
    begin = end == std::string::npos ? text.size() : end + 1;
  }
  return lines;
}

}  // namespace offramp_tests
