#include "rewind/autograd/engine/segments.h"

#include <algorithm>
#include <optional>

#include "rewind/tensor/joining.h"
#include "rewind/tensor/views.h"

namespace rw::engine {
namespace {

using Tensors = std::vector<Tensor>;

struct Part {
  Index begin, end;
  Index time() const { return end - begin; }
};

// The steps of a part, as a scan of its own. Its random numbers are those that its steps have in
// the whole.
Scan part_of(const Scan& scan, Part part) {
  Scan result = scan;
  result.rows = std::make_shared<const RowSchedule>(scan.rows->part(part.begin, part.end));
  const Index busy = scan.rows->busy_steps(), own = result.rows->busy_steps();
  const Index before = scan.reverse ? std::max<Index>(busy - part.begin - own, 0) : part.begin;
  result.draws.first += static_cast<std::uint64_t>(before * scan.draws.each);
  return result;
}

}  // namespace

ScanResults apply_in_segments(const Scan& scan, const ScanInputs& in, Index segments) {
  const Index time = scan.rows->time(), count = std::min(segments, time);
  std::optional<PreparedInputs> prepared;
  std::vector<Tensors> outputs(scan.recurrence->own_outputs());
  for (Tensors& y : outputs) y.resize(static_cast<std::size_t>(count));
  for (Index k = 0; k < count; k++) {
    const Index i = scan.reverse ? count - 1 - k : k;
    const Part part{i * time / count, (i + 1) * time / count};
    // Right before the part: so a rewind has passed the slice when it comes to the next part, and
    // holds no gradient of a part beside that of the whole.
    Tensors inputs;
    for (const Tensor& x : in.inputs) inputs.push_back(slice(x, 0, part.begin, part.end));
    if (!prepared) prepared = prepare(*scan.recurrence, in);
    prepared->in.inputs = std::move(inputs);
    ScanResults results = apply_prepared(part_of(scan, part), *prepared).results;
    prepared->records = 0;
    prepared->in.initial = std::move(results.last);
    for (std::size_t y = 0; y < outputs.size(); y++) {
      outputs[y][static_cast<std::size_t>(i)] = std::move(results.outputs[y]);
    }
  }

  ScanResults results;
  results.last = std::move(prepared->in.initial);
  for (const Tensors& y : outputs) results.outputs.push_back(concat(y, 0));
  return results;
}

}  // namespace rw::engine
