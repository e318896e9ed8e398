#include "rewind/autograd/scan.h"

namespace rw::scan_internal {

void require_states_alike(std::string_view op, const std::vector<Tensor>& before,
                          const std::vector<Tensor>& after) {
  require<ShapeError>(before.size() == after.size(),
                      "{}: the step turns a state of {} tensors into one of {}", op, before.size(),
                      after.size());
  for (std::size_t i = 0; i < before.size(); i++) {
    require<ShapeError>(
        before[i].spec() == after[i].spec(),
        "{}: the step turns tensor {} of the state from {} into {}; a state keeps its "
        "shape and dtype",
        op, i, before[i].spec(), after[i].spec());
  }
}

std::pair<Index, Index> time_and_batch(std::string_view op, const std::vector<Tensor>& xs) {
  require<ShapeError>(!xs.empty(), "{}: the inputs hold no tensor; give the number of steps", op);
  for (const Tensor& x : xs) {
    require<ShapeError>(x.rank() >= 2, "{}: an input is [time, batch, ...], got {}", op, x.spec());
    require<ShapeError>(x.dim(0) == xs[0].dim(0) && x.dim(1) == xs[0].dim(1),
                        "{}: inputs {} and {} differ in time or batch", op, xs[0].spec(), x.spec());
  }
  return {xs[0].dim(0), xs[0].dim(1)};
}

void require_batch(std::string_view op, const std::vector<Tensor>& state, Index batch) {
  for (const Tensor& x : state) {
    require<ShapeError>(x.rank() >= 1 && x.dim(0) == batch,
                        "{}: a tensor of the initial state is {}, not [batch, ...] with batch {}",
                        op, x.spec(), batch);
  }
}

}  // namespace rw::scan_internal
