# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_systemd_harden_global_optspecs
    string join \n h/help V/version
end

function __fish_systemd_harden_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_systemd_harden_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_systemd_harden_using_subcommand
    set -l cmd (__fish_systemd_harden_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c systemd-harden -n "__fish_systemd_harden_needs_command" -s h -l help -d 'Print help'
complete -c systemd-harden -n "__fish_systemd_harden_needs_command" -s V -l version -d 'Print version'
complete -c systemd-harden -n "__fish_systemd_harden_needs_command" -f -a "generate" -d 'Render hardened units from manifests'
complete -c systemd-harden -n "__fish_systemd_harden_needs_command" -f -a "lint" -d 'Say what is doubtful about manifests, and what targets cost them'
complete -c systemd-harden -n "__fish_systemd_harden_needs_command" -f -a "score" -d 'Score services and compare them with the manifest that declares them'
complete -c systemd-harden -n "__fish_systemd_harden_needs_command" -f -a "import" -d 'Make a manifest of a service that has a unit already'
complete -c systemd-harden -n "__fish_systemd_harden_needs_command" -f -a "explain" -d 'Explain a directive, a check, a need, a release or a target, or why a unit failed'
complete -c systemd-harden -n "__fish_systemd_harden_needs_command" -f -a "try" -d 'Run a service once under its policy, and say what it is refused'
complete -c systemd-harden -n "__fish_systemd_harden_needs_command" -f -a "completions" -d 'Print what a shell must be told to complete this command line'
complete -c systemd-harden -n "__fish_systemd_harden_needs_command" -f -a "schema" -d 'Print the JSON Schema of a manifest, for editors and validators'
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand generate" -l target -d 'What output is for: distributions such as debian-12, releases such as systemd-252, or host for this system. Several have one output, which all of them read' -r
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand generate" -l against -d 'Write of a drop-in only what this unit does not say itself, with what it takes the place of, and tell in what the service is another than the manifest says, which ends with 1. What contains a `/` is a file, anything else a unit of the host, or of the tree of --root. May be given several times' -r
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand generate" -l root -d 'Write the files at their installed places below DIR' -r -f -a "(__fish_complete_directories)"
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand generate" -l output -d 'Write the files into DIR' -r -f -a "(__fish_complete_directories)"
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand generate" -l layout -d 'For whose packages the files of --output are laid out' -r -f -a "flat\t'Under the names of the units'
debian\t'As debhelper takes them up from the folder debian'
rpm\t'As sources of a spec file'
arch\t'As sources of a PKGBUILD'"
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand generate" -l package -d 'The package of the distribution that they all go into [default: the name of each manifest]' -r
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand generate" -l split -d 'Write an output of its own for each target, into folders of their names'
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand generate" -l drop-in -d 'Write drop-ins that only harden, for units that a distribution ships'
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand generate" -l news -d 'Write nothing; print what users of the package must be told: what is confined, what that has broken elsewhere, and how an administrator takes it back. With --against only what changes'
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand generate" -l check -d 'Write nothing; print how the files differ and exit with 1 if any does'
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand generate" -l replace -d 'Replace files too that were not made from these manifests; they are shown'
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand generate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand lint" -l target -d 'What output would be for, as for generate; all of them together' -r
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand lint" -l format -d 'How to show the result' -r -f -a "text\t'For people'
json\t'One JSON document, schema 1'"
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand lint" -l split -d 'Examine an output of its own for each target'
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand lint" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand score" -l manifest -d 'The manifest to compare with, and FILE.d/*.toml [default: the one in /etc, /run or /usr/lib/systemd-harden that declares the unit, and /etc/systemd-harden/NAME.toml.d/*.toml]' -r -F
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand score" -l root -d 'Read unit files and manifests below this directory, and ask no manager. Unit files that are named are paths in it' -r -f -a "(__fish_complete_directories)"
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand score" -l systemd -d 'The systemd release whose rules count for files, 240 to 262 [default: the newest]' -r
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand score" -l target -d 'The same by targets, such as debian-12 or systemd-252; several are judged by one after the other' -r
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand score" -l mode -d 'Judge as systemd judges files, or as it judges what a manager has loaded [default: loaded on the bus, offline for files and manifests]' -r -f -a "offline\t'As the release\'s own scorer judges files'
loaded\t'As it judges what a manager has loaded'"
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand score" -l evidence -d 'Whether to look for evidence in the kernel that what a running unit declares is in force [default: auto, for units that are named or declared by a manifest]' -r -f -a "auto\t'For units that are named or declared by a manifest'
always\t'For every unit of this host\'s manager'
never\t'For none'"
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand score" -l threshold -d 'Exposure above this is a finding: 0.0 to 10.0' -r
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand score" -l format -d 'How to show the result' -r -f -a "text\t'For people'
json\t'One JSON document, schema 1'"
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand score" -l user -d 'Ask the manager of the calling user; files are read as its units'
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand score" -l suggest -d 'Print drop-ins in place of the report: for a unit without a manifest the lines to add, what helps most first; with one those that bring the unit back to its policy'
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand score" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand import" -l root -d 'Read below this directory; a unit file that is named is a path in it [default: /]' -r -f -a "(__fish_complete_directories)"
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand import" -l systemd -d 'The systemd release that the unit is read by, 240 to 262 [default: the newest]' -r
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand import" -l evidence -d 'Whether to look for what the service needs in the files of its programs and, for a unit of this host, in its running processes' -r -f -a "auto\t'Look at what is there'
never\t'Go by the unit alone'"
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand import" -l strictness -d 'Close what nothing speaks for as this strictness does [default: leave it as open as the unit does]' -r -f -a "safe\t'What no breakage is on record for'
default\t'What fails loudly, and one line undoes'
strict\t'Everything'"
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand import" -s o -l output -d 'Write the manifest to this file, not to standard output' -r -F
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand import" -l user -d 'Read it as a unit of users\' managers'
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand import" -l replace -d 'Replace the file if it is there and differs; it is shown'
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand explain" -l manifest -d 'The manifest that declares the units [default: as for score]' -r -F
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand explain" -l format -d 'How to show what is known' -r -f -a "text\t'For people'
json\t'One JSON document, schema 1'"
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand explain" -l user -d 'Ask the manager of the calling user about units'
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand try" -l service -d 'Which of several services, or which instance of a template' -r
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand try" -l strictness -d 'Close what nobody named as this strictness does [default: that of the manifest]' -r -f -a "safe\t'What no breakage is on record for'
default\t'What fails loudly, and one line undoes'
strict\t'Everything'"
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand try" -l for -d 'How long it is kept up, and a request that fails is repeated' -r
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand try" -l format -d 'How to show the result' -r -f -a "text\t'For people'
json\t'One JSON document, schema 1'"
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand try" -l until-clean -d 'After a denial, try again with the line that allows it, until nothing is refused or no line is known'
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand try" -l replace -d 'Stop the service itself and what else is in its way before, and start them again afterwards'
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand try" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c systemd-harden -n "__fish_systemd_harden_using_subcommand schema" -s h -l help -d 'Print help'
