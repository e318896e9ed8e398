#include "rewind/tensor/interpreter.h"

#include <atomic>

namespace rw {

constinit thread_local Interpreter* Interpreter::current_ = nullptr;

Interpreter::Interpreter() : below_(current_) {
  if (below_) below_->above_ = this;
  current_ = this;
}

Interpreter::~Interpreter() {
  if (above_) above_->below_ = below_;
  if (below_) below_->above_ = above_;
  if (current_ == this) current_ = below_;
}

void Interpreter::dispatch(Call& call) {
  Interpreter* const me = current_;
  if (!me) return call.type.execute(call.op, call.inputs, call.outputs, call.donated);
  struct Lowered {
    Interpreter* was;
    ~Lowered() { current_ = was; }
  } restore{me};
  current_ = me->below_;
  me->run(call);
}

std::uint64_t Interpreter::new_serial() {
  static std::atomic<std::uint64_t> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);
}

bool Interpreter::any_holds(std::uint64_t mark) {
  if (mark == 0) return false;
  for (const Interpreter* i = current_; i; i = i->below_) {
    if (i->holds(mark)) return true;
  }
  return false;
}

}  // namespace rw
