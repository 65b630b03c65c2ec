// SPDX-License-Identifier: Apache-2.0
#include "client_connection.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <system_error>

namespace offramp_serve {

bool client_connection::leads_to_client(int socket) const {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  if (getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &size) != 0) {
    return false;
  }
  char host[NI_MAXHOST];
  char service[NI_MAXSERV];
  return getnameinfo(reinterpret_cast<sockaddr*>(&peer), size, host, sizeof host, service, sizeof service,
                     NI_NUMERICHOST | NI_NUMERICSERV) == 0 &&
         service == std::to_string(port_) && host == address_;
}

int client_connection::find() const {
  std::error_code ignored;
  for (std::filesystem::directory_iterator entry("/dev/fd", ignored), end; !ignored && entry != end;
       entry.increment(ignored)) {
    const std::string name = entry->path().filename().string();
    int descriptor = missing;
    std::from_chars(name.data(), name.data() + name.size(), descriptor);
    if (descriptor >= 0 && leads_to_client(descriptor)) {
      return descriptor;
    }
  }
  return missing;
}

bool client_connection::is_closed() {
  if (socket_ == unknown) {
    socket_ = find();
  }
  if (socket_ == missing) {
    return false;
  }
  char byte = 0;
  const ssize_t waiting = recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return waiting == 0 || (waiting < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

}  // namespace offramp_serve
