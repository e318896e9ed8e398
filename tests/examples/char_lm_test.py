"""Runs the built char_lm program: what it learns, saves, resumes, writes and refuses.
usage: char_lm_test.py PROGRAM [unittest arguments]"""
import fcntl
import json
import os
import pty
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import threading
import unittest

PROGRAM = os.path.abspath(sys.argv.pop(1))
with open(PROGRAM, "rb") as program:
    SANITIZED = re.search(b"__[at]san_init", program.read()) is not None
SMALL = ["--layers", "2", "--hidden", "8", "--embed", "4", "--batch", "4", "--time", "5",
         "--dropout", "0.1", "--threads", "1"]
FOREVER = ["--epochs", "1000000"]
KEYS = ["peer", "job", "cell", "layers", "hidden", "batch", "time", "threads", "epoch",
        "chars_per_s", "last_loss", "valid_bits_per_char", "symbols"]
INTERRUPTED = 130


def sentences(count):
    """A text with something to learn, the same at every call."""
    subjects, verbs, state, words = ["the cat", "a dog", "one bird"], ["sees", "hears"], 1, []
    for _ in range(count):
        state = state * 1103515245 + 12345 & 0x7FFFFFFF
        subject, verb, seen = state >> 8, state >> 12, state >> 16
        words.append(f"{subjects[subject % 3]} {verbs[verb % 2]} {subjects[seen % 3]}.\n")
    return "".join(words).encode()


def listen():
    """Before a program is run: a shell's background job, or nohup, turns signals off for all."""
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


class CharLm(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.text = self.file("text.txt", sentences(40))

    def path(self, name):
        return os.path.join(self.folder, name)

    def file(self, name, content):
        with open(self.path(name), "wb") as out:
            out.write(content)
        return self.path(name)

    def content(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def files(self):
        return {name: self.content(name) for name in os.listdir(self.folder)
                if os.path.isfile(self.path(name))}

    def run_program(self, *arguments, **options):
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.run([PROGRAM, *map(str, arguments)], cwd=self.folder, timeout=300,
                              **{**streams, **options})

    def succeed(self, *arguments):
        done = self.run_program(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return done.stdout.decode(errors="replace")

    def train(self, out, *options):
        return self.succeed("train", "--text", self.text, "--out", self.path(out), *SMALL, *options)

    def refuse(self, message, *arguments):
        """Exit status 2, one line on stderr that matches, and every file as it was."""
        before = self.files()
        done = self.run_program(*arguments)
        stderr = done.stderr.decode(errors="replace")
        self.assertEqual(done.returncode, 2, stderr)
        self.assertEqual(stderr.count("\n"), 1, stderr)
        self.assertRegex(stderr, "^char_lm: .*" + message)
        self.assertEqual(done.stdout, b"")
        self.assertEqual(self.files(), before)

    def refuse_train(self, message, *options):
        self.refuse(message, "train", "--text", self.text, "--out", self.path("new.safetensors"),
                    *SMALL, *options)

    def stop(self, out, wait_for, number, *options):
        """Trains without end until a line that matches, then sends the signal."""
        process = subprocess.Popen(
            [PROGRAM, "train", "--text", self.text, "--out", self.path(out), *SMALL, *FOREVER,
             *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            preexec_fn=listen)
        watchdog = threading.Timer(120, process.kill)
        watchdog.start()
        try:
            lines = []
            for line in process.stdout:
                lines.append(line)
                if wait_for in line:
                    break
            process.send_signal(number)
            lines += process.stdout.readlines()
            return process.wait(), "".join(lines)
        finally:
            watchdog.cancel()
            process.stdout.close()

    def position(self, out):
        """Epoch and step at which a saved run stands."""
        content = self.content(out)
        header = json.loads(content[8:8 + int.from_bytes(content[:8], "little")])
        state = json.loads(header["__metadata__"]["rewind.checkpoint"])
        return state["epoch"], state["batch"]


class Training(CharLm):
    def test_learns_and_reports(self):
        output = self.train("m", "--epochs", 12, "--learning-rate", 0.02, "--dropout", 0)
        before, after = re.search(r"not seen: ([0-9.]+) before, ([0-9.]+) now", output).groups()
        self.assertLess(float(after), 0.6 * float(before))
        self.assertEqual(output.count("Epoch "), 12)

    def test_metrics_are_those_of_the_other_programs(self):
        self.train("m", "--epochs", 2, "--metrics", self.path("log"), "--cell", "gru")
        lines = [json.loads(line) for line in self.content("log").splitlines()]
        self.assertEqual([list(line) for line in lines], [KEYS, KEYS])
        self.assertEqual([line["epoch"] for line in lines], [1, 2])
        said = {key: lines[0][key] for key in KEYS[:8]}
        self.assertEqual(said, {"peer": "rewind", "job": "char_lm", "cell": "GRU", "layers": 2,
                                "hidden": 8, "batch": 4, "time": 5, "threads": 1})
        self.assertEqual(lines[0]["symbols"], len(set(sentences(40))))
        self.train("other", "--metrics", self.path("log"))
        self.assertEqual(len(self.content("log").splitlines()), 3)

    def test_the_seed_decides(self):
        for name, seed in (("a", 3), ("b", 3), ("other", 4)):
            self.train(name, "--seed", seed)
        self.assertEqual(self.content("a"), self.content("b"))
        self.assertNotEqual(self.content("a"), self.content("other"))

    def test_bug42_threads_do_not_change_a_bit(self):
        # Large enough that a second thread gets work from products, cells and the optimizer.
        self.file("text.txt", sentences(250))
        for cell in ("lstm", "gru", "rnn"):
            with self.subTest(cell):
                for threads in (1, 2):
                    self.train(cell + str(threads), "--cell", cell, "--hidden", 128, "--embed", 64,
                               "--batch", 50, "--time", 12, "--threads", threads)
                self.assertEqual(self.content(cell + "1"), self.content(cell + "2"))

    def test_lines_instead_of_a_bar_where_there_is_no_terminal(self):
        done = self.run_program("train", "--text", self.text, "--out", self.path("m"), *SMALL)
        self.assertNotIn(b"\r", done.stderr)
        self.assertRegex(done.stderr.decode(),
                         r"^\d+ % epoch 1/1 step 1/\d+ loss \d\.\d+ \d\.\d+ bits/char "
                         r"\d+ chars/s \d:\d\d left\n")

    def test_a_bar_on_a_terminal(self):
        terminal, slave = pty.openpty()
        process = subprocess.Popen([PROGRAM, "train", "--text", self.text, "--out",
                                    self.path("m"), *SMALL], stdout=subprocess.DEVNULL,
                                   stderr=slave)
        os.close(slave)
        drawn = b""
        try:
            while chunk := os.read(terminal, 4096):
                drawn += chunk
        except OSError:  # how Linux reports that the other end is closed
            pass
        os.close(terminal)
        self.assertEqual(process.wait(), 0)
        self.assertRegex(drawn.decode(), r"^\r\[[=>]+ *\] epoch 1/1 step \d+/\d+ loss .* left")
        self.assertNotIn(b"\n", drawn)
        self.assertTrue(all(len(line) < 80 for line in drawn.split(b"\r")))


class Resuming(CharLm):
    def test_twice_n_epochs_are_n_and_n(self):
        for cell in ("lstm", "gru", "rnn"):
            with self.subTest(cell):
                whole, parts, options = cell + "4", cell + "2+2", ["--cell", cell]
                log, log2 = ["--metrics", self.path("log")], ["--metrics", self.path("log2")]
                self.train(whole, *options, "--epochs", 4, *log)
                self.train(parts, *options, "--epochs", 2, *log2)
                self.train(parts, *options, "--epochs", 4, *log2, "--resume")
                self.assertEqual(self.content(whole), self.content(parts))
                self.assertEqual(self.losses("log"), self.losses("log2"))

    def losses(self, name):
        lines = [json.loads(line) for line in self.content(name).splitlines()]
        return [{key: line[key] for key in KEYS if key not in ("chars_per_s", "threads")} for line in lines]

    def test_bug40_an_interrupted_run_goes_on_to_the_same_bits(self):
        options = []
        for _ in range(3):
            status, output = self.stop("parts", "step", signal.SIGINT, *options)
            self.assertEqual(status, INTERRUPTED, output)
            self.assertIn("Interrupted and saved", output)
            options = ["--resume"]
        epoch, step = self.position("parts")
        self.assertGreater(epoch + step, 0)
        epochs = ["--epochs", epoch + 2]
        self.train("parts", *epochs, "--resume")
        self.train("whole", *epochs)
        self.assertEqual(self.content("parts"), self.content("whole"))

    def test_a_run_whose_time_is_up_goes_on_too(self):
        output = self.train("parts", *FOREVER, "--minutes", 0.002)
        self.assertRegex(output, "before, .* now")
        epoch, step = self.position("parts")
        self.assertGreater(epoch + step, 0)
        self.train("parts", "--epochs", epoch + 1, "--resume")
        self.train("whole", "--epochs", epoch + 1)
        self.assertEqual(self.content("parts"), self.content("whole"))

    def test_bug40_a_killed_run_goes_on_from_its_last_epoch(self):
        status, output = self.stop("parts", "Epoch 1:", signal.SIGKILL)
        self.assertEqual(status, -signal.SIGKILL, output)
        epoch, step = self.position("parts")
        self.assertEqual(step, 0)
        self.train("parts", "--epochs", epoch + 1, "--resume")
        self.train("whole", "--epochs", epoch + 1)
        self.assertEqual(self.content("parts"), self.content("whole"))

    def test_what_is_said_when_time_is_up_is_what_was_saved(self):
        output = self.train("m", *FOREVER, "--minutes", 0.002, "--batch", 1, "--time", 20,
                            "--metrics", self.path("log"))
        epoch, _ = self.position("m")
        said = re.search(r"before, ([0-9.]+) now", output).group(1)
        text = self.content("text.txt")
        part = self.file("part", text[len(text) * 90 // 100:len(text) * 95 // 100])
        measured = self.succeed("eval", "--model", self.path("m"), "--text", part)
        self.assertAlmostEqual(float(measured.split()[0]), float(said), delta=0.0052)
        lines = self.losses("log") if epoch > 0 else []
        self.assertEqual([line["epoch"] for line in lines], list(range(1, epoch + 1)))

    def test_an_interrupted_evaluation_leaves_an_epoch_to_be_measured(self):
        """Epochs of one step, so that a line of progress stands right before an evaluation."""
        self.file("text.txt", sentences(3000))
        options = ["--time", "12000", "--layers", "1"]
        for attempt in range(20):  # the machine may be busy while the evaluation lasts
            out, log = self.path(f"m{attempt}"), ["--metrics", self.path(f"log{attempt}")]
            status, output = self.stop(out, "step 1/1", signal.SIGINT, *options, *log)
            self.assertEqual(status, INTERRUPTED, output)
            if self.position(out) == (0, 1):
                break
        self.assertEqual(self.position(out), (0, 1))
        self.assertNotIn("Epoch", output)
        self.assertFalse(os.path.exists(log[1]))
        self.train(out, *options, *log, "--epochs", 2, "--resume")
        self.train("whole", *options, "--metrics", self.path("whole log"), "--epochs", 2)
        self.assertEqual(self.content(out), self.content("whole"))
        self.assertEqual(self.losses(log[1]), self.losses("whole log"))

    def test_a_terminal_that_closes_interrupts(self):
        terminal, slave = pty.openpty()

        def sit_at_it():
            listen()
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        process = subprocess.Popen([PROGRAM, "train", "--text", self.text, "--out", self.path("m"),
                                    *SMALL, *FOREVER], stdin=slave, stdout=slave, stderr=slave,
                                   preexec_fn=sit_at_it)
        os.close(slave)
        os.read(terminal, 100)
        os.close(terminal)
        self.assertEqual(process.wait(timeout=120), 2)  # what it said at the end is lost
        epoch, step = self.position("m")
        self.assertGreater(epoch + step, 0)
        self.train("m", "--epochs", epoch + 1, "--resume")
        self.train("whole", "--epochs", epoch + 1)
        self.assertEqual(self.content("m"), self.content("whole"))

    def test_each_signal_that_asks_to_end_saves(self):
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                status, output = self.stop(number.name, "step", number)
                self.assertEqual(status, INTERRUPTED, output)
                self.position(number.name)

    def test_signals_that_are_turned_off_stay_off(self):
        process = subprocess.Popen(
            [PROGRAM, "train", "--text", self.text, "--out", self.path("m"), *SMALL, "--epochs",
             "20"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        output = process.communicate(timeout=120)[0]
        self.assertEqual(process.returncode, 0, output)
        self.assertEqual(self.position("m"), (20, 0))

    def test_metrics_of_an_epoch_that_was_lost_come_once(self):
        """A kill after a line was written, or while it was, before the model was saved."""
        log = ["--metrics", self.path("log")]
        self.train("whole", "--epochs", 3, "--metrics", self.path("whole log"))
        self.file("log", b"a line of another run\n")
        self.train("m", "--epochs", 1, *log)
        before = self.content("log")
        shutil.copy(self.path("m"), self.path("saved"))
        self.train("m", "--epochs", 2, *log, "--resume")
        line = self.content("log")[len(before):]
        speed = line.index(b"chars_per_s")
        for written in (b"", line[:1], line[:speed - 3], line[:speed + 15], line[:-1], line):
            self.file("log", before + written)
            shutil.copy(self.path("saved"), self.path("m"))
            self.train("m", "--epochs", 3, *log, "--resume", "--threads", 2)
            lines = self.content("log").splitlines(keepends=True)
            self.assertEqual(lines[0], b"a line of another run\n")
            self.file("own", b"".join(lines[1:]))
            self.assertEqual(self.losses("own"), self.losses("whole log"), written)

    def test_metrics_leave_the_lines_of_others(self):
        self.train("m", "--epochs", 1)
        for other in (b'{"peer":"rewind","epoch":2}\n', b"no JSON", b"[]\n", b"\n"):
            self.file("log", other)
            shutil.copy(self.path("m"), self.path("copy"))
            self.train("copy", "--epochs", 2, "--metrics", self.path("log"), "--resume")
            lines = self.content("log").splitlines()
            self.assertEqual(lines[0], other.strip())
            self.assertEqual(json.loads(lines[1])["epoch"], 2)

    def test_wrong_resumes_are_refused(self):
        def refuse(message, *options):
            self.refuse(message, "train", "--text", self.text, "--out", self.path("m"), *SMALL,
                        "--resume", *options)

        refuse("nothing to resume")
        self.train("m")
        refuse("has learned for 1 epochs already")
        refuse("other options", "--hidden", 9, "--epochs", 2)
        refuse("other options", "--cell", "gru", "--epochs", 2)
        refuse("other settings.*seed", "--seed", 9, "--epochs", 2)
        self.file("text.txt", sentences(40).replace(b"cat", b"act"))
        refuse("other settings or on another text", "--epochs", 2)
        self.file("m", self.content("m")[:-1])
        refuse("'.*m': ", "--epochs", 2)


class Refusals(CharLm):
    def test_texts(self):
        for content, message in ((b"", "the text is empty"),
                                 (b"a", "only one character"),
                                 (b"a" * 5000, "only one character"),
                                 (b"\x7fELF\x02\x01\x00\x00" * 90, "is no text, byte 6 is zero"),
                                 (b"ab\x01c" * 900, "is no text, byte 2 is the control char"),
                                 (b"too short", "9 characters; --batch 4 and --time 5 need")):
            self.file("text.txt", content)
            self.refuse_train(message)
        os.remove(self.text)
        self.refuse_train("cannot open '.*text.txt', No such file")
        os.mkdir(self.text)
        self.refuse_train("cannot read '.*text.txt', Is a directory")

    def test_options(self):
        for option, value in (("--cell", "rrn"), ("--layers", 0), ("--hidden", -1), ("--embed", 0),
                              ("--batch", 0), ("--time", 0), ("--epochs", 0), ("--epochs", "many"),
                              ("--learning-rate", 0), ("--dropout", 1.5), ("--clip", 0),
                              ("--seed", -1), ("--threads", -1), ("--hidden", "99999999999999")):
            self.refuse_train(option + ".* " + str(value), option, value)
        for option in ("--learning-rate", "--dropout", "--clip"):
            self.refuse_train(option, option, "nan")
        for value in ("-0", 0, "1e-10", 1001, "inf"):
            self.refuse_train(f"--learning-rate: {value} is not in the range 1e-09 to 1000$",
                              "--learning-rate", value)
        self.refuse_train("--dropout: many is no number$", "--dropout", "many")
        self.refuse_train("--out: the name is empty; name a file$", "--out", "")
        self.refuse("--text: the name is empty", "train", "--text", "")
        self.refuse("--model: the name is empty", "sample", "--model", "")
        self.refuse_train("'--speed' is no option of train; char_lm train --help lists them$",
                          "--speed", 3)
        self.refuse("--text is required", "train")
        self.refuse("a subcommand is required: train, sample or eval; --help says more$")
        self.refuse("'bogus' is none; a subcommand is required: train, ", "bogus", "--text", "x")
        self.refuse_train("batch 4 and --time 5000 need at least", "--time", 5000)

    def test_outputs(self):
        missing = self.path("no/folder/m.safetensors")
        self.refuse_train("no/folder", "--out", missing)
        self.refuse_train("--out is also --text", "--out", self.text)
        self.refuse_train("exists already; --resume goes on with it, another --out begins anew",
                          "--out", self.folder)
        self.refuse_train("cannot write metrics", "--metrics", missing)
        self.refuse_train("cannot write metrics", "--metrics", self.folder)

    def test_one_file_under_two_names(self):
        os.mkdir(self.path("folder"))
        os.symlink(self.text, self.path("link to text"))
        os.link(self.text, self.path("other name of text"))
        os.symlink("new.safetensors", self.path("link to model"))  # which is not there yet
        os.symlink(self.folder, self.path("link to folder"))
        for name in ("text.txt", "./text.txt", "folder/../text.txt", "link to text",
                     "other name of text", "link to folder/text.txt"):
            for path in (name, self.path(name)):
                self.refuse_train("--metrics is also --text", "--metrics", path)
                self.refuse_train("--out is also --text", "--out", path)
        for name in ("new.safetensors", "./new.safetensors", "folder/.././new.safetensors",
                     "link to model", "link to folder/new.safetensors"):
            for path in (name, self.path(name)):
                self.refuse_train("--metrics is also --out", "--metrics", path)
        self.train("m")
        os.link(self.path("m"), self.path("other name of model"))
        self.refuse_train("--metrics is also --out", "--resume", "--out", self.path("m"),
                          "--metrics", self.path("other name of model"))

    def test_a_trained_model_is_not_begun_anew(self):
        self.train("m")
        self.refuse_train("m': exists already; --resume goes on with it, another --out begins anew",
                          "--out", self.path("m"))

    def test_models(self):
        self.train("good")
        good = self.content("good")
        changed = bytearray(good)
        changed[-20] ^= 4
        half = good[:len(good) // 2]
        for content in (b"", b"not a model", half, bytes(changed), good + b"x",
                        b"\xff" * 8 + good[8:]):
            self.file("bad", content)
            self.refuse("bad", "sample", "--model", self.path("bad"))
            self.refuse("bad", "eval", "--model", self.path("bad"), "--text", self.text)
            self.refuse_train("bad", "--out", self.path("bad"), "--resume")
        self.refuse("none", "sample", "--model", self.path("none"))
        other = b'{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
        self.file("bad", len(other).to_bytes(8, "little") + other + bytes(4))
        self.refuse("is no char_lm model", "sample", "--model", self.path("bad"))

    def test_a_damaged_description_of_the_model(self):
        for description in ("{", "[]", "{}", '{"cell":"lstm","layers":-1,"hidden":8,"embed":4,'
                            '"dropout":0,"symbols":[65]}'):
            header = json.dumps({"__metadata__": {"char_lm": description}}).encode()
            self.file("bad", len(header).to_bytes(8, "little") + header)
            self.refuse("description of the model", "sample", "--model", self.path("bad"))

    def describe(self, name, **changes):
        """Changes the description of a model in its file, as one who knows of checksums would."""
        content = self.content(name)
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8:8 + length])
        for key in ("char_lm", "rewind.checkpoint"):
            said = json.loads(header["__metadata__"][key])
            said.update({k: v for k, v in changes.items() if k in said})
            header["__metadata__"][key] = json.dumps(said)
        for key in ("rewind.format", "rewind.crc32"):
            del header["__metadata__"][key]
        changed = json.dumps(header).encode()
        self.file("bad", len(changed).to_bytes(8, "little") + changed + content[8 + length:])

    def test_sizes_that_the_weights_do_not_have(self):
        for cell in ("lstm", "gru", "rnn"):
            self.train(cell, "--cell", cell)
            for changes, message in (({"hidden": 10**12}, "description of the model"),
                                     ({"layers": 10**12}, "description of the model"),
                                     ({"hidden": 10**7}, r"float32 .* in the file, float32 .* in"),
                                     ({"embed": 10**8}, r"float32 .* in the file, float32 .* in"),
                                     ({"layers": 10**8}, "damaged: 100000000 layers"),
                                     ({"layers": 3}, "missing in the file: 'rnn")):
                self.describe(cell, **changes)
                self.refuse(message, "sample", "--model", self.path("bad"))
                self.refuse(message, "eval", "--model", self.path("bad"), "--text", self.text)
            self.describe(cell)
            self.succeed("sample", "--model", self.path("bad"), "--length", 1)

    def test_a_position_that_the_text_does_not_have(self):
        self.train("m")
        for changes, message in (({"batch": 10**9}, "damaged: it stands at step 1000000000 of an"),
                                 ({"batch": -1}, "damaged: batch is '-1'"),
                                 ({"epoch": 0.5}, "damaged: epoch is '0.5'")):
            self.describe("m", **changes)
            self.refuse_train(message, "--out", self.path("bad"), "--resume", "--epochs", 2)

    @unittest.skipIf(SANITIZED, "sanitizers want more memory than any limit")
    def test_memory_that_is_not_there(self):
        self.train("m")
        text = self.file("long", b"the cat sees a dog.\n" * 3_000_000)

        one = {"OMP_NUM_THREADS": "1"}  # each thread takes memory of its own

        def run(*arguments):
            return self.run_program(
                *arguments, env={**os.environ, **one}, preexec_fn=lambda: resource.setrlimit(
                    resource.RLIMIT_AS, (400 << 20, 400 << 20)))

        done = run("eval", "--model", self.path("m"), "--text", text)
        self.assertEqual((done.returncode, done.stderr), (
            2, b"char_lm: there is not enough memory for this model and text\n"))
        done = run("train", "--text", text, "--out", self.path("new"))
        self.assertEqual((done.returncode, done.stderr), (
            2, b"char_lm: there is not enough memory; smaller --hidden, --embed, --batch or --time "
            b"need less\n"))

    def test_uses_of_a_model(self):
        self.train("m")
        model = ["--model", self.path("m")]
        self.refuse("--prompt: byte 1 is 0x58, a character", "sample", *model, "--prompt", "tX")
        for option, value in (("--length", -1), ("--temperature", -0.5), ("--temperature", "hot"),
                              ("--temperature", "nan"), ("--seed", -1)):
            self.refuse(option, "sample", *model, option, value)
        for content, message in ((b"", "text is empty"), (b"t", "two are needed"),
                                 (b"the catX", "byte 7 is 0x58"), (b"a\0b", "is no text")):
            self.refuse(message, "eval", *model, "--text", self.file("other", content))
        self.refuse("missing", "eval", *model, "--text", self.path("missing"))


LOST = b"char_lm: cannot write the output\n"


class Streams(CharLm):
    """What is said goes to a full disk, a closed stream, a reader who left."""

    def run_losing(self, stream, how, *arguments):
        if how == "closed":
            number = {"stdin": 0, "stdout": 1, "stderr": 2}[stream]
            return self.run_program(*arguments, preexec_fn=lambda: os.close(number))
        if how == "full":
            with open("/dev/full", "wb") as full:
                return self.run_program(*arguments, **{stream: full})
        read, write = os.pipe()
        os.close(read)
        try:
            return self.run_program(*arguments, **{stream: write})
        finally:
            os.close(write)

    def test_training_does_not_need_them(self):
        self.train("whole", "--epochs", 3, "--metrics", self.path("whole log"))
        for stream in ("stdin", "stdout", "stderr"):
            for how in ("closed", "full", "left"):
                with self.subTest(stream=stream, how=how):
                    out, log = self.path(stream + how), self.path(stream + how + " log")
                    done = self.run_losing(stream, how, "train", "--text", self.text, "--out", out,
                                           *SMALL, "--epochs", 3, "--metrics", log)
                    self.assertEqual(self.content(out), self.content("whole"))
                    self.assertEqual(len(self.content(log).splitlines()), 3)
                    if stream == "stdout":
                        self.assertEqual(done.returncode, 2)
                        self.assertTrue(done.stderr.endswith(LOST), done.stderr)
                    else:
                        self.assertEqual(done.returncode, 0)

    def test_a_refusal_that_nobody_reads_is_one(self):
        for how in ("closed", "full"):
            self.assertEqual(self.run_losing("stderr", how, "train").returncode, 2)

    def test_output_that_is_lost_is_an_error(self):
        self.train("m")
        model = ["--model", self.path("m")]
        for arguments in (["sample", *model], ["sample", *model, "--length", 100_000],
                          ["eval", *model, "--text", self.text], ["--help"], ["train", "--help"]):
            for how in ("closed", "full"):
                with self.subTest(arguments=arguments, how=how):
                    done = self.run_losing("stdout", how, *arguments)
                    self.assertEqual((done.returncode, done.stderr), (2, LOST))

    def test_metrics_that_are_lost_are_an_error_but_not_the_end(self):
        self.train("whole", "--epochs", 2)
        most = len(self.content("whole")) + 20
        before = b"x" * (most - 11) + b"\n"
        log = self.file("log", before)

        def limited():  # as a full disk: the model still fits, a line does not
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

        # ThreadSanitizer maps a temporary file of its own, which the limit would cut.
        nowhere = os.environ | {"TMPDIR": self.path("no such folder")}
        done = self.run_program("train", "--text", self.text, "--out", self.path("m"), *SMALL,
                                "--epochs", 2, "--metrics", log, preexec_fn=limited, env=nowhere)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertRegex(done.stderr.decode(),
                         r"\nchar_lm: '.*log': cannot write the metrics, [^\n]*\n$")
        self.assertEqual(self.content("m"), self.content("whole"))
        self.assertEqual(self.content("log"), before)


class Using(CharLm):
    def test_samples_are_decided_by_the_seed(self):
        self.train("m")

        def sample(*options):
            return self.succeed("sample", "--model", self.path("m"), "--length", 60, *options)

        one = sample("--seed", 1, "--prompt", "the ")
        self.assertEqual(len(one), 4 + 60 + 1)
        self.assertTrue(one.startswith("the "))
        self.assertEqual(one, sample("--seed", 1, "--prompt", "the "))
        self.assertNotEqual(one, sample("--seed", 2, "--prompt", "the "))
        likeliest = sample("--seed", 1, "--temperature", 0)
        self.assertEqual(likeliest, sample("--seed", 2, "--temperature", 0))
        self.assertEqual(likeliest, sample("--seed", 2, "--temperature", 1e-5))
        self.assertLessEqual(set(sample("--temperature", 100)), set(sentences(40).decode()))

    def test_eval_measures_as_training_did(self):
        self.train("m", "--batch", 1, "--time", 20, "--metrics", self.path("log"), "--epochs", 2)
        learned = json.loads(self.content("log").splitlines()[-1])["valid_bits_per_char"]
        text = self.content("text.txt")
        part = self.file("part", text[len(text) * 90 // 100:len(text) * 95 // 100])
        said = self.succeed("eval", "--model", self.path("m"), "--text", part)
        self.assertRegex(said, r"^\d\.\d{4} bits per character\n$")
        self.assertAlmostEqual(float(said.split()[0]), learned, delta=2e-4)

    def test_help(self):
        self.assertIn("--resume", self.succeed("train", "--help"))
        self.assertIn("eval", self.succeed("--help"))


if __name__ == "__main__":
    unittest.main()
