// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <utility>

namespace offramp_serve {

/// The connection that a request came by, to see whether its client is still there. cpp-httplib tells handlers the
/// client's address but not the socket (nor, before 0.18, whether it was closed): the socket is the one of this process
/// that has that address at its other end. It stays open for as long as the request is handled.
class client_connection {
 public:
  /// Of the client at a numeric address and a port. Looks for it only when asked.
  client_connection(std::string address, int port) : address_(std::move(address)), port_(port) {}

  /// Whether the client has closed the connection, or the half of it that it writes. False where it cannot be found.
  [[nodiscard]] bool is_closed();
  /// Ends it after an answer that says so has been written. What the client still sends is read and forgotten, up to
  /// `most` bytes and for half a second: unread, it would make the system take the answer away from a client that
  /// has not read it yet.
  void end(std::size_t most) noexcept;

 private:
  [[nodiscard]] bool is_found();
  [[nodiscard]] bool leads_to_client(int socket) const;
  [[nodiscard]] int find() const;

  static constexpr int unknown = -2;
  static constexpr int missing = -1;

  std::string address_;
  int port_;
  int socket_ = unknown;
};

}  // namespace offramp_serve
