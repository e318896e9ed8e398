#include "rewind/autograd/scan.h"

#include <algorithm>

#include "rewind/autograd/note.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/convert.h"
#include "rewind/tensor/reduction.h"

namespace rw {
namespace {

constinit thread_local int plain_loops = 0;

}  // namespace

PlainLoops::PlainLoops() { plain_loops++; }
PlainLoops::~PlainLoops() { plain_loops--; }

namespace scan_internal {

void ShapesOnly::run(Call& call) {
  for (const Tensor* x : call.inputs) {
    const auto is_it = [&](const Tensor& known) { return known.mark() == x->mark(); };
    const bool known = std::any_of(followed_.begin(), followed_.end(), is_it);
    if (!known && any_holds(x->mark())) followed_.push_back(*x);
  }
  call.type.infer(call.op, call.inputs, call.outputs);
}

// The sum of none of its elements, of which none is looked at.
Tensor depending_on(const std::vector<Tensor>& tensors, Tensor y) {
  if (!is_float(y.dtype())) return y;
  for (const Tensor& x : tensors) {
    if (!is_float(x.dtype())) continue;
    const Tensor none = slice(reshape(x, {x.size()}), 0, 0, 0);
    y = y + to(sum(none), y.dtype());
  }
  return y;
}

bool loops_are_plain() { return plain_loops > 0 || notes_are_taken(); }

void require_defined(std::string_view op, std::string_view what,
                     const std::vector<Tensor>& tensors) {
  for (std::size_t i = 0; i < tensors.size(); i++) {
    require(tensors[i].defined(),
            "{}: tensor {} of {} holds no tensor (default-constructed or moved from)", op, i, what);
  }
}

void require_numbers(std::string_view op, std::string_view what,
                     const std::vector<Tensor>& tensors) {
  for (const Tensor& x : tensors) {
    require(x.has_data(),
            "{}: only the shape of {}, {}, is known: it is of a step that was traced; return it "
            "from there, or use loop(...) or PlainLoops",
            op, what, x.spec());
  }
}

void require_like_state(std::string_view op, std::string_view what,
                        const std::vector<Tensor>& state, const std::vector<Tensor>& given) {
  require<ShapeError>(state.size() == given.size(),
                      "{}: {} has {} tensors, the state has {}; a state keeps its tensors, and a "
                      "vector in it its length",
                      op, what, given.size(), state.size());
  require_defined(op, what, given);
  for (std::size_t i = 0; i < state.size(); i++) {
    require<ShapeError>(state[i].spec() == given[i].spec(),
                        "{}: tensor {} of {} is {}, of the state {}; a state keeps its shape and "
                        "dtype",
                        op, i, what, given[i].spec(), state[i].spec());
  }
}

std::pair<Index, Index> time_and_batch(std::string_view op, const std::vector<Tensor>& xs) {
  require<ShapeError>(!xs.empty(), "{}: the inputs hold no tensor; give the number of steps", op);
  require_defined(op, "the inputs", xs);
  for (const Tensor& x : xs) {
    require<ShapeError>(x.rank() >= 2, "{}: an input is [time, batch, ...], got {}", op, x.spec());
    require<ShapeError>(x.dim(0) == xs[0].dim(0) && x.dim(1) == xs[0].dim(1),
                        "{}: inputs {} and {} differ in time or batch", op, xs[0].spec(), x.spec());
  }
  return {xs[0].dim(0), xs[0].dim(1)};
}

void require_batch(std::string_view op, const std::vector<Tensor>& state, Index batch) {
  require<ShapeError>(!state.empty(),
                      "{}: the initial state holds no tensor; a state is made of tensors "
                      "[batch, ...]",
                      op);
  require_defined(op, "the initial state", state);
  for (const Tensor& x : state) {
    require<ShapeError>(x.rank() >= 1 && x.dim(0) == batch,
                        "{}: a tensor of the initial state is {}, not [batch, ...] with batch {}",
                        op, x.spec(), batch);
  }
}

Index batch_of(std::string_view op, const std::vector<Tensor>& state) {
  const bool has_batch = !state.empty() && state[0].defined() && state[0].rank() >= 1;
  const Index batch = has_batch ? state[0].dim(0) : 0;
  require_batch(op, state, batch);
  return batch;
}

void require_rows(std::string_view op, const std::vector<Tensor>& outputs, Index batch) {
  for (std::size_t i = 0; i < outputs.size(); i++) {
    require<ShapeError>(
        outputs[i].rank() >= 1 && outputs[i].dim(0) == batch,
        "{}: tensor {} of the outputs that the step returns is {}, and with lengths, where it is 0 "
        "for rows that have ended, it is [batch, ...] with batch {}; give it rows, with expand, "
        "say",
        op, i, outputs[i].spec(), batch);
  }
}

void require_mask(std::string_view op, const Tensor& mask, Index batch) {
  require<DtypeError>(mask.dtype() == boolean, "{}: a mask of rows is bool [batch], got {}", op,
                      mask.spec());
  require<ShapeError>(mask.shape() == Dims{batch}, "{}: a mask of rows is bool [{}], got {}", op,
                      batch, mask.spec());
}

}  // namespace scan_internal
}  // namespace rw
